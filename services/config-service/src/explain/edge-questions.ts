import { randomBytes } from 'node:crypto'
import {
  explanationSchema,
  explainedRequestSchema,
  maxQuestionsPerReport,
  questionLifetimeMs,
  type EdgeQuestion,
  type ExplainedRequest,
  type Explanation,
  type ExplanationPost,
} from '@gpt-load/contracts/explanation'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import { ApiProblem } from '../http/api-problem.ts'

/**
 * Questions to edges, in the database: an edge reports to one replica and an administrator asks another. The next edge that
 * reports takes the question along and posts its answer; the replica that was asked waits for the row to change.
 */
const maxOpenQuestions = 16
const pollMs = 40

/** @throws ApiProblem `unavailable` when no edge has answered in time, `too_many_requests` past the bound */
export async function askEdge(
  { store, clock }: { store: DatabaseHandle; clock: Clock },
  edge: string,
  request: ExplainedRequest,
): Promise<Explanation> {
  const id = await putQuestion(store, { edge, request, nowMs: clock.nowMs() })
  try {
    const explanation = await awaitExplanation(store, clock, id)
    if (explanation !== null) return explanation
  } finally {
    await store.sql.execute('DELETE FROM edge_questions WHERE id = ?', [id])
  }
  const who = edge === '' ? 'No edge' : 'This edge'
  throw new ApiProblem('unavailable', `${who} answered within ${questionLifetimeMs / 1_000} s.`)
}

async function putQuestion(
  store: DatabaseHandle,
  { edge, request, nowMs }: { edge: string; request: ExplainedRequest; nowMs: number },
): Promise<string> {
  await store.sql.execute('DELETE FROM edge_questions WHERE expires_at <= ?', [nowMs])
  const [row] = await store.sql.query<{ open: number }>('SELECT COUNT(*) AS open FROM edge_questions')
  if ((row?.open ?? 0) >= maxOpenQuestions)
    throw new ApiProblem('too_many_requests', `${maxOpenQuestions} questions to edges are open already.`)
  const id = randomBytes(16).toString('hex')
  await store.sql.execute('INSERT INTO edge_questions (id, edge, request, expires_at) VALUES (?, ?, ?, ?)', [
    id,
    edge,
    JSON.stringify(request),
    nowMs + questionLifetimeMs,
  ])
  return id
}

async function awaitExplanation({ sql }: DatabaseHandle, clock: Clock, id: string): Promise<Explanation | null> {
  const deadline = clock.monotonicMs() + questionLifetimeMs
  while (clock.monotonicMs() < deadline) {
    const [row] = await sql.query<{ explanation: string | null }>(
      'SELECT explanation FROM edge_questions WHERE id = ?',
      [id],
    )
    if (row === undefined) return null
    if (row.explanation !== null) return explanationSchema.parse(JSON.parse(row.explanation))
    await clock.sleep(pollMs)
  }
  return null
}

/** What an edge that reports may answer. Several edges may take the same question along. */
export async function listQuestions({ sql }: DatabaseHandle, edge: string, nowMs: number): Promise<EdgeQuestion[]> {
  const rows = await sql.query<{ id: string; request: string }>(
    "SELECT id, request FROM edge_questions WHERE expires_at > ? AND explanation IS NULL AND edge IN ('', ?) " +
      `ORDER BY expires_at LIMIT ${maxQuestionsPerReport}`,
    [nowMs, edge],
  )
  return rows.map(({ id, request }) => ({ id, request: explainedRequestSchema.parse(JSON.parse(request)) }))
}

/** The first answer stays; one that comes too late meets no row. */
export async function storeExplanation({ sql }: DatabaseHandle, { id, explanation }: ExplanationPost): Promise<void> {
  await sql.execute('UPDATE edge_questions SET explanation = ? WHERE id = ? AND explanation IS NULL', [
    JSON.stringify(explanation),
    id,
  ])
}
