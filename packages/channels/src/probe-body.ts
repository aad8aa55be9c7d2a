/**
 * The cheapest body that a generating endpoint accepts, told by its path: one token of output, or the least that the
 * endpoint allows. Reasoning models refuse `max_tokens` and answer 400 when the budget ends before the reasoning does,
 * so they get room for it.
 */
export function probeBodyOf(path: string, model: string): string {
  if (path.endsWith('/responses')) return JSON.stringify({ model, input: 'hi', max_output_tokens: 16 })
  if (path.endsWith('/embeddings')) return JSON.stringify({ model, input: 'hi' })
  if (path.endsWith('/completions') && !path.endsWith('/chat/completions'))
    return JSON.stringify({ model, prompt: 'hi', max_tokens: 1 })
  const messages = [{ role: 'user', content: 'hi' }]
  if (isReasoningModel(model)) return JSON.stringify({ model, messages, max_completion_tokens: 256 })
  return JSON.stringify({ model, messages, max_tokens: 1 })
}

function isReasoningModel(model: string): boolean {
  return /^(?:o\d|gpt-(?:[5-9]|\d\d))/.test(model)
}
