import { dialectOfChannel, type ChannelType } from '@gpt-load/contracts/channel-types'
import { azureVersion, exampleRequest } from './example-request.ts'

/** The first call against a group, with the provider's own SDK: only base URL and key differ from what its documentation shows. */
export const snippetLanguages = ['curl', 'python', 'node'] as const
export type SnippetLanguage = (typeof snippetLanguages)[number]

type Place = { address: string; token: string; model: string }

export function snippetOf(language: SnippetLanguage, channel: ChannelType, place: Place): string {
  if (language === 'curl') return curl(channel, place)
  if (channel === 'azure-openai') return azure[language](place)
  if (channel === 'openai-response') return responses[language](place)
  return byDialect[dialectOfChannel[channel]][language](place)
}

function curl(channel: ChannelType, { address, token, model }: Place): string {
  const { path, headers, body } = exampleRequest(channel, model)
  const lines = [...headers(token), 'Content-Type: application/json'].map((header) => `  -H "${header}" \\\n`)
  return `curl "${address}${path}" \\\n${lines.join('')}  -d '${JSON.stringify(body)}'`
}

type Snippets = Record<Exclude<SnippetLanguage, 'curl'>, (place: Place) => string>

const openai: Snippets = {
  python: ({ address, token, model }) =>
    `# pip install openai
from openai import OpenAI

client = OpenAI(base_url="${address}/v1", api_key="${token}")
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`,
  node: ({ address, token, model }) =>
    `// npm install openai
import OpenAI from 'openai'

const client = new OpenAI({ baseURL: '${address}/v1', apiKey: '${token}' })
const answer = await client.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: 'Hello' }],
})
console.log(answer.choices[0].message.content)`,
}

const responses: Snippets = {
  python: ({ address, token, model }) =>
    `# pip install openai
from openai import OpenAI

client = OpenAI(base_url="${address}/v1", api_key="${token}")
answer = client.responses.create(model="${model}", input="Hello")
print(answer.output_text)`,
  node: ({ address, token, model }) =>
    `// npm install openai
import OpenAI from 'openai'

const client = new OpenAI({ baseURL: '${address}/v1', apiKey: '${token}' })
const answer = await client.responses.create({ model: '${model}', input: 'Hello' })
console.log(answer.output_text)`,
}

const anthropic: Snippets = {
  python: ({ address, token, model }) =>
    `# pip install anthropic
from anthropic import Anthropic

client = Anthropic(base_url="${address}", api_key="${token}")
answer = client.messages.create(
    model="${model}",
    max_tokens=256,
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.content[0].text)`,
  node: ({ address, token, model }) =>
    `// npm install @anthropic-ai/sdk
import Anthropic from '@anthropic-ai/sdk'

const client = new Anthropic({ baseURL: '${address}', apiKey: '${token}' })
const answer = await client.messages.create({
  model: '${model}',
  max_tokens: 256,
  messages: [{ role: 'user', content: 'Hello' }],
})
console.log(answer.content[0].text)`,
}

const gemini: Snippets = {
  python: ({ address, token, model }) =>
    `# pip install google-genai
from google import genai

client = genai.Client(api_key="${token}", http_options={"base_url": "${address}"})
answer = client.models.generate_content(model="${model}", contents="Hello")
print(answer.text)`,
  node: ({ address, token, model }) =>
    `// npm install @google/genai
import { GoogleGenAI } from '@google/genai'

const client = new GoogleGenAI({ apiKey: '${token}', httpOptions: { baseUrl: '${address}' } })
const answer = await client.models.generateContent({ model: '${model}', contents: 'Hello' })
console.log(answer.text)`,
}

const azure: Snippets = {
  python: ({ address, token, model }) =>
    `# pip install openai
from openai import AzureOpenAI

client = AzureOpenAI(azure_endpoint="${address}", api_key="${token}", api_version="${azureVersion}")
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`,
  node: ({ address, token, model }) =>
    `// npm install openai
import { AzureOpenAI } from 'openai'

const client = new AzureOpenAI({ endpoint: '${address}', apiKey: '${token}', apiVersion: '${azureVersion}' })
const answer = await client.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: 'Hello' }],
})
console.log(answer.choices[0].message.content)`,
}

const byDialect = { openai, anthropic, gemini } as const
