import { describePages, narrow } from './support/look-at-pages.ts'

describePages('every page is accessible, fits, asks nobody else for anything and leaves the console empty', {
  light: { theme: 'light', hasContrast: true },
  dark: { theme: 'dark', hasContrast: true },
  narrow: { ...narrow },
})
