import type { Express, Response } from 'express'
import { endpoints } from '@gpt-load/contracts/api/endpoints'
import { createOpenapiDocument } from '../openapi.ts'
import { referenceStyle } from './reference-style.ts'
import { renderReference } from './render-reference.ts'

/**
 * The reference of the API as a page: what is in the sources for everybody, so open to everybody, and without the version.
 * It loads one stylesheet of ours and nothing else.
 */
const pagePath = '/api/v1/docs'
const stylePath = '/api/v1/docs/style.css'
const policy =
  "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function bindReference(app: Express): void {
  let page: string | undefined
  app.get(pagePath, (_request, response) => {
    page ??= renderReference(createOpenapiDocument(endpoints, ''), {
      style: stylePath,
      document: '/api/v1/openapi.json',
    })
    send(response, 'text/html', page)
  })
  app.get(stylePath, (_request, response) => send(response, 'text/css', referenceStyle))
}

function send(response: Response, type: string, text: string): void {
  response.setHeader('content-security-policy', policy)
  // Another release has another page.
  response.setHeader('cache-control', 'no-cache')
  response.type(type).send(text)
}
