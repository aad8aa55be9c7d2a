// HEALTHCHECK of the image: standalone is asked on its public port, the cluster's services are ready on ADMIN_PORT.

const { SERVICE = '', PORT, ADMIN_PORT } = process.env
const url =
  SERVICE === 'standalone' ? `http://127.0.0.1:${PORT || 3001}/health` : `http://127.0.0.1:${ADMIN_PORT || 9090}/readyz`
const isHealthy = await fetch(url, { signal: AbortSignal.timeout(2_500) }).then(
  ({ ok }) => ok,
  () => false,
)
process.exit(isHealthy ? 0 : 1)
