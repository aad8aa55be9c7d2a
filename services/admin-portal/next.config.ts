import { resolve } from 'node:path'
import type { NextConfig } from 'next'

// build-portal.ts has checked them. '' = the root.
// oxlint-disable-next-line node/no-process-env
const { PORTAL_BASE_PATH: basePath = '', PORTAL_DIST_DIR: distDir = '.next/export' } = process.env
const repository = resolve(import.meta.dirname, '../..')

/** Files only: no server code, no session, no secret. `src/build/build-portal.ts` runs the build and checks the types before it. */
const config: NextConfig = {
  output: 'export',
  basePath,
  env: { PORTAL_BASE_PATH: basePath },
  distDir,
  trailingSlash: true,
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
  typescript: { ignoreBuildErrors: true },
  outputFileTracingRoot: repository,
  turbopack: { root: repository },
  devIndicators: false,
}

export default config
