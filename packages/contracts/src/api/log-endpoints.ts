import type { Endpoint } from './endpoint.ts'
import { base, change, read } from './endpoint-bases.ts'
import {
  deadLetterListQuerySchema,
  deadLetterReplayedSchema,
  deadLetterReplaySchema,
  deadLetterSchema,
  reconcileQuerySchema,
  reconciliationSchema,
} from './log-account.ts'
import {
  logContentSchema,
  logExportQuerySchema,
  logListQuerySchema,
  logPageSchema,
  logTailQuerySchema,
  requestLogDetailSchema,
} from './log.ts'
import { pageSchema } from './page.ts'
import { requestIdParameters } from './parameters.ts'

/** The log of requests: searched, followed, taken away, and held against what edges have served. */
export const logEndpoints = {
  listLogs: {
    ...read,
    method: 'GET',
    path: '/api/v1/logs',
    tag: 'logs',
    summary: 'Search requests in a range of time',
    query: logListQuerySchema,
    response: { status: 200, schema: logPageSchema },
  },
  watchLogs: {
    ...read,
    method: 'GET',
    path: '/api/v1/logs/tail',
    tag: 'logs',
    summary:
      'Follow requests as server-sent events: `requests` once a second at most, `skipped` counts what was too much',
    query: logTailQuerySchema,
    download: 'text/event-stream',
    response: { status: 200, schema: null },
    problems: ['too_many_requests'],
  },
  exportLogsCsv: {
    ...read,
    method: 'GET',
    path: '/api/v1/logs/export.csv',
    tag: 'logs',
    summary: 'Download requests as CSV',
    query: logExportQuerySchema,
    download: 'text/csv',
    response: { status: 200, schema: null },
  },
  exportLogs: {
    ...read,
    method: 'GET',
    path: '/api/v1/logs/export.ndjson',
    tag: 'logs',
    summary: 'Download requests, a JSON object per line',
    query: logExportQuerySchema,
    download: 'application/x-ndjson',
    response: { status: 200, schema: null },
  },
  reconcileLogs: {
    ...read,
    method: 'GET',
    path: '/api/v1/logs/reconcile',
    tag: 'logs',
    summary: 'Compare what edges have served with what is stored, and name every gap',
    query: reconcileQuerySchema,
    response: { status: 200, schema: reconciliationSchema },
  },
  listDeadLetters: {
    ...read,
    method: 'GET',
    path: '/api/v1/logs/dead-letters',
    tag: 'logs',
    summary: 'List request records that could not be stored, newest first',
    query: deadLetterListQuerySchema,
    response: { status: 200, schema: pageSchema(deadLetterSchema) },
  },
  replayDeadLetters: {
    ...change,
    method: 'POST',
    path: '/api/v1/logs/dead-letters/replay',
    tag: 'logs',
    summary: 'Try to store dead letters again, as after an upgrade',
    body: deadLetterReplaySchema,
    response: { status: 200, schema: deadLetterReplayedSchema },
  },
  getLog: {
    ...read,
    method: 'GET',
    path: '/api/v1/logs/{request_id}',
    tag: 'logs',
    summary: 'Get a request with all its attempts',
    params: requestIdParameters,
    response: { status: 200, schema: requestLogDetailSchema },
    problems: ['not_found'],
  },
  getLogContent: {
    ...base,
    method: 'GET',
    path: '/api/v1/logs/{request_id}/content',
    tag: 'logs',
    summary: 'Show the recorded bodies of a request; the audit log names who saw them',
    scope: 'secrets:read',
    params: requestIdParameters,
    response: { status: 200, schema: logContentSchema },
    problems: ['not_found'],
  },
} as const satisfies Record<string, Endpoint>
