/**
 * The provider formats we speak. Names are GPT-Load's; `azure-openai` is ours (gpt-load/proxy.md 4).
 * A *dialect* is the shape of errors and streams that a caller's SDK understands; several channels share one.
 */
export const channelTypes = ['openai', 'openai-response', 'anthropic', 'gemini', 'azure-openai'] as const
export type ChannelType = (typeof channelTypes)[number]

export const dialects = ['openai', 'anthropic', 'gemini'] as const
export type Dialect = (typeof dialects)[number]

export const dialectOfChannel = {
  openai: 'openai',
  'openai-response': 'openai',
  anthropic: 'anthropic',
  gemini: 'gemini',
  'azure-openai': 'openai',
} as const satisfies Record<ChannelType, Dialect>
