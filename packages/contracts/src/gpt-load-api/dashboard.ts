import { z } from 'zod'
import { instantSchema } from '../api/parameters.ts'

const cardSchema = z.object({
  value: z.number(),
  sub_value: z.number().optional(),
  sub_value_tip: z.string().optional(),
  trend: z.number(),
  trend_is_growth: z.boolean(),
})
export type GptLoadCard = z.infer<typeof cardSchema>

export const gptLoadDashboardSchema = z.object({
  key_count: cardSchema,
  rpm: cardSchema,
  request_count: cardSchema,
  error_rate: cardSchema,
  security_warnings: z
    .array(
      z.object({
        type: z.string(),
        message: z.string(),
        severity: z.enum(['low', 'medium', 'high']),
        suggestion: z.string(),
      }),
    )
    .nullable(),
})

export const chartHours = 24
export const gptLoadChartSchema = z.object({
  labels: z.array(instantSchema).length(chartHours),
  datasets: z.array(
    z.object({ label: z.string(), data: z.array(z.number().int()).length(chartHours), color: z.string() }),
  ),
})

export const gptLoadEncryptionSchema = z.object({
  has_mismatch: z.boolean(),
  scenario_type: z.string(),
  message: z.string(),
  suggestion: z.string(),
})
