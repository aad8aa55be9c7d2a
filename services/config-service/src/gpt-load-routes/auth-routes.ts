import { channelTypes } from '@gpt-load/contracts/channel-types'
import { channelTypeSchema } from '@gpt-load/contracts/group-shape'
import { gptLoadLoginInputSchema, gptLoadLoginSchema } from '@gpt-load/contracts/gpt-load-api/setting'
import { ApiProblem } from '../http/api-problem.ts'
import { setSessionCookie } from '../http/session-cookie.ts'
import { callVerb, route, type GptLoadRoute, type RouteCall } from './gpt-load-route.ts'

/** Signing in, which in GPT-Load only tells whether a key is right; here it opens a session, too. */
export const authRoutes: readonly GptLoadRoute[] = [
  route({
    method: 'post',
    path: '/api/auth/login',
    scope: 'none',
    body: gptLoadLoginInputSchema,
    answer: gptLoadLoginSchema,
    isBare: true,
    async handle(call) {
      refuseForeignForm(call)
      try {
        const { sessionToken } = await callVerb(call, 'createSession', { body: { key: call.body.auth_key } })
        const isSecure = call.origin.startsWith('https:')
        if (sessionToken !== undefined) setSessionCookie(call.response, sessionToken, { isSecure })
        return { success: true, message: call.texts.SIGNED_IN }
      } catch (error) {
        const isRefusal = error instanceof ApiProblem && (error.code === 'unauthorized' || error.status === 400)
        if (!isRefusal) throw error
        call.response.status(error.status)
        const isWrong = error.code === 'unauthorized'
        return { success: false, message: isWrong ? call.texts.UNAUTHORIZED : call.texts.INVALID_JSON }
      }
    },
  }),
  route({
    method: 'get',
    path: '/api/channel-types',
    scope: 'read',
    answer: channelTypeSchema.array(),
    handle: async () => channelTypes,
  }),
]

/**
 * What a form can send, a form of another site can send too, and sign somebody in as somebody else. Before a page sends JSON the
 * browser asks here whether it may.
 */
function refuseForeignForm({ request, origin }: Pick<RouteCall<unknown>, 'request' | 'origin'>): void {
  const from = request.headers.origin?.toLowerCase()
  if (from === undefined || from === origin || request.is('application/json') !== false) return
  throw new ApiProblem('cross_origin', 'Pages of other sites sign in with a JSON body only.')
}
