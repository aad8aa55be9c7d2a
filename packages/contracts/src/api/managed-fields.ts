import { z } from 'zod'

/** Keys of a group are none of them: each has an owner of its own. */
export const managedFieldsSchema = z
  .array(z.string())
  .describe(
    'Fields that the configuration file of `managed_by` names, as in the file: `settings.max_retries`, `upstreams`. Its next plan shows their edits as drift.',
  )
