/** Bytes of one uploaded file that are held in memory; what is longer goes to an unlinked temporary file. */
export const UPLOAD_MEMORY_BYTES_MAX = 512 * 1024; // 512 KiB
/** Files of one upload: OpenAI's image edits take 16 pictures and a mask. */
export const UPLOAD_FILES_MAX = 17;
/** Fields of one upload beside its files. */
export const UPLOAD_FIELDS_MAX = 64;
/** Longest field: OpenAI's prompts end at 32,000 characters. */
export const UPLOAD_FIELD_BYTES_MAX = 256 * 1024; // 256 KiB
/** Longest header block of one part, and longest name. */
export const UPLOAD_NAME_BYTES_MAX = 200;
/** Bytes read at once from a temporary file. */
export const UPLOAD_READ_BYTES = 64 * 1024; // 64 KiB
