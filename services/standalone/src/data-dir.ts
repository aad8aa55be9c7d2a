export { openDataDir, type DataDir } from '@gpt-load/service-kit/data-dir'
export { generateSecret, readOrCreateSecret, readSecret, writeSecret } from '@gpt-load/service-kit/secret-file'
