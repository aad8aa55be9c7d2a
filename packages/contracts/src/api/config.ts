import { z } from 'zod'
import { jsonValueSchema } from '../json-value.ts'
import { configFileSchema } from '../config-file.ts'
import { groupNameSchema } from '../group-shape.ts'
import { booleanParameter, listParameter } from './parameters.ts'

/**
 * Config as code: a configuration file, its variables and keys files resolved by the client, against what is stored. Objects
 * belong to an *owner* (`managed_by`); a plan changes those of its own only.
 */
/** Of what a fresh start makes from its variables. No plan is its own: later edits win. */
export const environmentOwner = 'environment'
export const maxConfigBodyBytes = 67_108_864
/** Of a group's keys; more go with `allow_mass_delete` only. */
export const maxDeletedKeyShare = 0.3

const ownerSchema = z.string().trim().min(1).max(255)

const planOptions = {
  config: configFileSchema.superRefine(({ groups }, context) => {
    for (const [index, group] of groups.entries())
      if ('keys_file' in group && group.keys_file !== undefined)
        context.addIssue({
          code: 'custom',
          path: ['groups', index, 'keys_file'],
          message: 'the server reads no files: send its keys as `keys`',
        })
  }),
  owner: ownerSchema.describe('Written into `managed_by` of what is created: a file name, as a rule.'),
  prune: z.boolean().default(false).describe('Delete what belongs to the owner and is not in the file.'),
  adopt: z.boolean().default(false).describe('Take over objects that belong to nobody or to another owner.'),
  allow_mass_delete: z.boolean().default(false).describe('Delete more than 30 % of the keys of a group.'),
}

export const configPlanInputSchema = z.strictObject(planOptions)
export type ConfigPlanInput = z.infer<typeof configPlanInputSchema>

export const configApplyInputSchema = z.strictObject({
  ...planOptions,
  expected: z
    .strictObject({ epoch: z.string().max(64), revision: z.number().int().min(0) })
    .optional()
    .describe('Position of the plan that was looked at; 409 when the configuration has changed since.'),
})
export type ConfigApplyInput = z.infer<typeof configApplyInputSchema>

export const fieldChangeSchema = z
  .object({
    field: z.string().describe('As in the file: `settings.max_retries`.'),
    before: jsonValueSchema,
    after: jsonValueSchema,
  })
  .describe('null = not there. Secrets are fingerprints: `secret #1a2b3c4d5e6f`.')
export type FieldChange = z.infer<typeof fieldChangeSchema>

export const keySetChangeSchema = z.object({
  stored: z.number().int().describe('Keys that the group has.'),
  added: z.number().int(),
  removed: z.number().int(),
})

export const configChangeSchema = z.object({
  action: z.enum(['create', 'update', 'delete']),
  entity: z.enum(['group', 'access_key', 'setting']),
  name: z.string(),
  fields: z.array(fieldChangeSchema),
  keys: keySetChangeSchema.nullable().describe('null = no key comes or goes.'),
})
export type ConfigChange = z.infer<typeof configChangeSchema>

export const configPlanSchema = z.object({
  epoch: z.string(),
  revision: z.number().int().describe('Of what the plan was made against.'),
  owner: z.string(),
  changes: z.array(configChangeSchema),
  unpruned: z
    .array(
      z.object({
        entity: z.enum(['group', 'access_key', 'setting', 'keys']),
        name: z.string(),
        count: z.number().int(),
      }),
    )
    .describe('What `prune` would delete beyond.'),
})
export type ConfigPlan = z.infer<typeof configPlanSchema>

export const configExportQuerySchema = z.strictObject({
  owner: ownerSchema.optional().describe('Only what belongs to this owner.'),
  group: listParameter(groupNameSchema, 1_000)
    .optional()
    .describe('Only these groups, without access keys and settings.'),
  with_secrets: booleanParameter.optional().describe('Needs the scope `secrets:read`; audited.'),
})

export const configExportSchema = z.object({
  epoch: z.string(),
  revision: z.number().int(),
  config: z.record(z.string(), jsonValueSchema).describe('The text of a configuration file as JSON.'),
  placeholders: z
    .array(z.object({ variable: z.string(), stands_for: z.string(), hint: z.string() }))
    .describe('Environment variables that the file needs to be applied.'),
  omitted: z.array(z.string()).describe('What a file cannot say.'),
})
export type ConfigExport = z.infer<typeof configExportSchema>
