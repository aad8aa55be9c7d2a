export type ProviderDialect = 'openai' | 'openai-response' | 'anthropic' | 'gemini' | 'azure-openai'

/** The place where the caller's dialect puts the key; paths of Gemini's OpenAI surface follow OpenAI. */
export function readKey(
  dialect: ProviderDialect,
  path: string,
  query: URLSearchParams,
  header: (name: string) => string | undefined,
): string | undefined {
  const bearer = /^bearer (.+)$/i.exec(header('authorization') ?? '')?.[1]
  switch (dialect) {
    case 'openai':
    case 'openai-response':
      return bearer
    case 'azure-openai':
      return header('api-key') ?? bearer
    case 'anthropic':
      return header('x-api-key') ?? bearer
    case 'gemini':
      return isOpenAiSurface(path) ? bearer : (header('x-goog-api-key') ?? query.get('key') ?? bearer)
  }
}

export function isOpenAiSurface(path: string): boolean {
  return path.startsWith('/v1beta/openai/')
}
