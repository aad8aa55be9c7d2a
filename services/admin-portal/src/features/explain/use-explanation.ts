import type { ExplainInput } from '@gpt-load/contracts/api/explain'
import { useQuery } from '@tanstack/react-query'
import { api } from '../../client/api.ts'

/** An edge's answer to what it would do with a request; null = nobody has asked yet. It takes until the edge's next report. */
export function useExplanation(input: ExplainInput | null) {
  return useQuery({
    queryKey: ['POST /api/v1/explain', input],
    queryFn: async ({ signal }) => (await api('POST /api/v1/explain', { body: input ?? {}, signal })).data,
    enabled: input !== null,
    // What is right now may be wrong in a moment: it is told when somebody asks, and not by itself.
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  })
}
