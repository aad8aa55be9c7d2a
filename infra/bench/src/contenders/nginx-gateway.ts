import { freePorts } from '@gpt-load/testkit/servers/free-port'
import { gatewayCpu, onCpus } from '../lab/cpu-placement.ts'
import type { Lab } from '../lab/lab.ts'
import { startNginx } from '../upstreams/nginx.ts'
import { jsonHeaders, pathOf, type Contender, type Gateway, type Route } from './gateway.ts'

/** nginx as a reverse proxy that streams both ways and keeps its connections. */
const routes = ['fixed', 'tls', 'stream'] as const

export function nginxGateway(lab: Lab): Contender {
  return { name: 'nginx', start: () => start(lab) }
}

async function start(lab: Lab): Promise<Gateway> {
  const ports = await freePorts(routes.length)
  const portOf = (route: Route): number => ports[routes.indexOf(route)]!
  const nginx = await startNginx({
    name: 'bench-nginx',
    http: routes.map((route) => serverOf(lab, route, portOf(route))).join('\n'),
    port: portOf('fixed'),
    commandPrefix: onCpus(gatewayCpu),
  })
  return {
    name: 'nginx',
    pid: nginx.pid,
    endpoint: (route, behaviour = '') => ({
      host: '127.0.0.1',
      port: portOf(route),
      path: pathOf(behaviour),
      headers: [...jsonHeaders, ['Authorization', 'Bearer sk-bench']],
    }),
    [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
  }
}

function serverOf(lab: Lab, route: Route, port: number): string {
  const tls = `
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate ${lab.caFile};
      proxy_ssl_name localhost;
      proxy_ssl_protocols TLSv1.3;`
  return `
  upstream ${route} {
    server 127.0.0.1:${lab.portOf(route)};
    keepalive 4096;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass ${route === 'tls' ? 'https' : 'http'}://${route};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 600s;${route === 'tls' ? tls : ''}
    }
  }`
}
