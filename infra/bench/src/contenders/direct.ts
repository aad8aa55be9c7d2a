import type { Lab } from '../lab/lab.ts'
import { jsonHeaders, pathOf, type Contender } from './gateway.ts'

export function direct(lab: Lab): Contender {
  return {
    name: 'direct',
    start: async () => ({
      name: 'direct',
      pid: null,
      endpoint: (route, behaviour = '') => ({
        host: '127.0.0.1',
        port: lab.portOf(route),
        path: pathOf(behaviour),
        headers: [...jsonHeaders, ['Authorization', 'Bearer sk-bench']],
      }),
      [Symbol.asyncDispose]: async () => {},
    }),
  }
}
