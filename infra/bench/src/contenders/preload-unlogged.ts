// Loaded first in every thread of an edge: its requests leave no record. Records are neither built, encoded, handed over,
// compressed nor sent; all else, tokens read from answers included, is as in any edge. The product has no such mode.

import { registerHooks } from 'node:module'

const replaced = '/proxy-edge/src/data-plane/observe/request-account.ts'
const replacement = new URL('unlogged-request-account.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, nextResolve) {
    const found = nextResolve(specifier, context)
    const isReplaced = found.url.endsWith(replaced) && context.parentURL !== replacement
    return isReplaced ? { ...found, url: replacement } : found
  },
})
