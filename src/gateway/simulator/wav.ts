const HEADER_BYTES = 44;
const SAMPLE_RATE = 8_000;
const SYLLABLE_SECONDS = 0.18;
const PCM = 1;

/** A real sound file: 8 kHz, 8 bit, one channel, a tone that comes and goes like syllables (RIFF WAVE, PCM). */
export function wavOf(seconds: number, pitchHz: number): Buffer {
  const samples = Math.round(seconds * SAMPLE_RATE);
  const wav = Buffer.alloc(HEADER_BYTES + samples);
  wav.write("RIFF", 0, "ascii");
  wav.writeUInt32LE(HEADER_BYTES - 8 + samples, 4);
  wav.write("WAVEfmt ", 8, "ascii");
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(PCM, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(SAMPLE_RATE, 24);
  wav.writeUInt32LE(SAMPLE_RATE, 28); // Bytes in a second: one a sample.
  wav.writeUInt16LE(1, 32);
  wav.writeUInt16LE(8, 34);
  wav.write("data", 36, "ascii");
  wav.writeUInt32LE(samples, 40);
  for (let index = 0; index < samples; index++) {
    const time = index / SAMPLE_RATE;
    const loudness = Math.sin((Math.PI * (time % SYLLABLE_SECONDS)) / SYLLABLE_SECONDS);
    wav[HEADER_BYTES + index] = 128 + Math.round(90 * loudness * Math.sin(2 * Math.PI * pitchHz * time));
  }
  return wav;
}

/** Length of a WAV file by its header, or undefined for anything else. */
export function secondsOfWav(file: Buffer): number | undefined {
  if (file.length < HEADER_BYTES || file.toString("ascii", 0, 4) !== "RIFF") return undefined;
  if (file.toString("ascii", 8, 12) !== "WAVE") return undefined;
  const bytesPerSecond = file.readUInt32LE(28);
  return bytesPerSecond === 0 ? undefined : (file.length - HEADER_BYTES) / bytesPerSecond;
}
