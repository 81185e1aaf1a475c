/** Anthropic's `stop_reason` in OpenAI's words. */
export function openAiFinishReason(stopReason: string): string {
  switch (stopReason) {
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length";
    case "tool_use":
      return "tool_calls";
    case "refusal":
      return "content_filter";
    default: // end_turn, stop_sequence, pause_turn
      return "stop";
  }
}

/**
 * OpenAI's `finish_reason` in Anthropic's words.
 * @param refused Whether the text is a refusal, which OpenAI ends with an ordinary stop.
 * @param stopSequence The client's stop sequence that was met, where the provider says so.
 */
export function anthropicStopReason(finishReason: string, refused = false, stopSequence?: string): string {
  switch (finishReason) {
    case "length":
      return "max_tokens";
    case "tool_calls":
    case "function_call":
      return "tool_use";
    case "content_filter":
      return "refusal";
    default:
      if (refused) return "refusal";
      return stopSequence === undefined ? "end_turn" : "stop_sequence";
  }
}
