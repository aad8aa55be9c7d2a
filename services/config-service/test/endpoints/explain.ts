import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Explanation } from '@gpt-load/contracts/explanation'
import { until } from '@gpt-load/testkit/until'
import { edgeReport } from '../support/edge-report.ts'
import type { OpenedApi } from '../support/open-api.ts'

export function describeExplain(api: () => Promise<OpenedApi>): void {
  describe('questions to edges', () => {
    test('a question goes to an edge that reports, which answers it; nobody there is told at once', async () => {
      const { call, operate, service, store } = await api()
      const ask = {
        method: 'POST',
        body: { group: 'g', headers: { Authorization: 'Bearer of-the-caller', 'X-A': '1' } },
      }
      const unanswered = await call('/api/v1/explain', ask)
      assert.deepEqual([unanswered.status, unanswered.body.detail], [409, 'No edge reports.'])
      const { epoch } = (await operate('getStatus')).body
      const { internalApi } = service
      await internalApi.report(edgeReport('one', epoch))
      const wrong = await call('/api/v1/explain', { ...ask, body: { edge: 'edge-2' } })
      assert.deepEqual([wrong.status, wrong.body.errors[0].pointer], [400, '/edge'])
      const answered = operate('explain', { body: ask.body })
      const [question] = await until(
        async () => {
          const { questions } = await internalApi.report(edgeReport('one', epoch))
          return questions.length > 0 ? questions : undefined
        },
        { what: 'the question' },
      )
      assert.deepEqual(question!.request.headers, [['X-A', '1']], 'no credential lies in the database')
      const explanation: Explanation = {
        edge: 'one',
        epoch,
        revision: 1,
        refusal: { code: 'NOT_FOUND', status: 404, retry_after_s: 0 },
        group: '',
        access_key: null,
        model: '',
        is_stream: false,
        key_choice: 'none',
        candidates: [],
        attempt: null,
        ladders: [],
      }
      await internalApi.explain({ id: question!.id, explanation })
      assert.deepEqual((await answered).body, explanation)
      await internalApi.explain({ id: question!.id, explanation })
      assert.deepEqual(await store.sql.query('SELECT id FROM edge_questions'), [], 'nothing stays')
      await store.sql.execute('DELETE FROM edges')
    })
  })
}
