/** Where the portal lies below its origin, `/admin` say; the build writes it in (next.config.ts). The API lies below it too. */
// oxlint-disable-next-line node/no-process-env
export const basePath: string = process.env.PORTAL_BASE_PATH ?? ''
