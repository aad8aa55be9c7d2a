import type { OpenapiDocument } from '../openapi.ts'
import { html, type Html } from './html.ts'
import { boundsOf, renderMembers, typeOf, type JsonSchema } from './render-schema.ts'

/**
 * The OpenAPI document as one page without a script. Generators of such pages bring scripts that write styles into the page,
 * which our Content-Security-Policy refuses; this one is text and a stylesheet.
 */
type Media = Record<string, { schema?: JsonSchema }>
type Parameter = { name: string; in: string; required?: boolean; description?: string; schema: JsonSchema }
type Operation = {
  operationId: string
  summary: string
  tags: string[]
  'x-scope': string
  parameters: Parameter[]
  requestBody?: { required?: boolean; content: Media }
  responses: Record<string, { description: string; content?: Media }>
}
type Document = { info: { title: string }; tags: { name: string }[]; paths: Record<string, Record<string, Operation>> }
type Placed = { method: string; path: string; operation: Operation }

const scopeTexts: Readonly<Record<string, string>> = { any: 'whoever has signed in', none: 'open to everybody' }

export function renderReference(openapi: OpenapiDocument, links: { style: string; document: string }): string {
  const { info, tags, paths } = openapi as unknown as Document
  const placed = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
  const sections = tags.map(({ name }) => ({
    name,
    operations: placed.filter(({ operation }) => operation.tags.includes(name)),
  }))
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${info.title}</title>
        <link rel="stylesheet" href="${links.style}" />
        <link rel="icon" href="data:," />
      </head>
      <body>
        <header>
          <h1>${info.title}</h1>
          <p>
            Send an admin token or the admin key as <code>Authorization: Bearer …</code>. Failures are
            <code>application/problem+json</code> with a stable <code>code</code>. Everything here is in the
            <a href="${links.document}">OpenAPI 3.1 document</a>, too.
          </p>
        </header>
        <nav aria-label="Operations">
          ${sections.map(
            ({ name, operations }) =>
              html`<h2>${name}</h2>
                <ul>
                  ${operations.map(
                    ({ operation }) => html`<li><a href="#${operation.operationId}">${operation.operationId}</a></li>`,
                  )}
                </ul>`,
          )}
        </nav>
        <main>
          ${sections.map(
            ({ name, operations }) =>
              html`<section>
                <h2>${name}</h2>
                ${operations.map(renderOperation)}
              </section>`,
          )}
        </main>
      </body>
    </html>`.html
}

function renderOperation({ method, path, operation }: Placed): Html {
  const { operationId, summary, parameters, requestBody, responses } = operation
  const scope = operation['x-scope']
  return html`<article id="${operationId}">
    <h3><a href="#${operationId}">${operationId}</a></h3>
    <p class="place"><span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code></p>
    <p>${summary}.</p>
    <p class="scope">Scope: ${scopeTexts[scope] ?? html`<code>${scope}</code>`}</p>
    ${parameters.length === 0 ? '' : renderParameters(parameters)}
    ${requestBody === undefined ? '' : renderBody(requestBody)}
    <h4>Answers</h4>
    <ul class="answers">
      ${Object.entries(responses).map(([status, response]) => renderResponse(status, response))}
    </ul>
  </article>`
}

function renderParameters(parameters: readonly Parameter[]): Html {
  return html`<h4>Parameters</h4>
    <ul class="members">
      ${parameters.map(
        ({ name, in: place, required, description, schema }) =>
          html`<li>
            <code>${name}</code>
            <span class="type">${place}, ${typeOf(schema)}</span> ${required === true ? html` <em>required</em>` : ''}
            <span class="bounds">${boundsOf(schema)}</span>
            ${description}
          </li>`,
      )}
    </ul>`
}

function renderBody({ required, content }: NonNullable<Operation['requestBody']>): Html {
  return html`<h4>Body${required === true ? '' : ' (may be left out)'}</h4>
    <p class="type">${Object.keys(content).join(', ')}</p>
    ${renderContent(content)}`
}

/** Media types of one body have the same schema. */
function renderContent(content: Media): Html | null {
  const [schema] = Object.values(content).map((media) => media.schema)
  return schema === undefined || schema.$ref !== undefined ? null : renderMembers(schema)
}

function renderResponse(status: string, { description, content }: Operation['responses'][string]): Html {
  const members = content === undefined ? null : renderContent(content)
  const text = html`<code>${status}</code> ${describeCodes(description)}`
  return members === null
    ? html`<li>${text}</li>`
    : html`<li>
        <details>
          <summary>${text}</summary>
          ${members}
        </details>
      </li>`
}

/** Codes stand in backquotes in the document. */
function describeCodes(description: string): Html[] {
  return description.split('`').map((text, index) => (index % 2 === 1 ? html`<code>${text}</code>` : html`${text}`))
}
