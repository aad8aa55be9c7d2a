import { describePages, narrow } from './support/look-at-pages.ts'

describePages('every page is accessible, fits, asks nobody else for anything and leaves the console empty', {
  'light, and the colours of the dark theme': { hasContrast: true },
  narrow: { ...narrow },
})
