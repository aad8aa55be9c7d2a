import { resolve } from 'node:path'
import type { NextConfig } from 'next'

const repository = resolve(import.meta.dirname, '../..')

/** Files only: no server code, no session, no secret. `src/build/build-portal.ts` runs the build and checks the types before it. */
const config: NextConfig = {
  output: 'export',
  distDir: '.next/export',
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
