import { createOpenapiDocument } from './http/openapi.ts'
import { endpoints } from '@gpt-load/contracts/api/endpoints'
import { createAccessKey } from './access-keys/create-access-key.ts'
import { deleteAccessKey } from './access-keys/delete-access-key.ts'
import { getAccessKey } from './access-keys/get-access-key.ts'
import { listAccessKeys } from './access-keys/list-access-keys.ts'
import { updateAccessKey } from './access-keys/update-access-key.ts'
import { createAdminToken } from './admin-tokens/create-admin-token.ts'
import { deleteAdminToken } from './admin-tokens/delete-admin-token.ts'
import { listAdminTokens } from './admin-tokens/list-admin-tokens.ts'
import { deleteMember } from './aggregates/delete-member.ts'
import { listMembers } from './aggregates/list-members.ts'
import { putMember } from './aggregates/put-member.ts'
import { replaceMembers } from './aggregates/replace-members.ts'
import { listAudit } from './audit/list-audit.ts'
import { getStatus } from './edges/get-status.ts'
import { applyConfigFile } from './config/apply-config-file.ts'
import { explain } from './explain/explain.ts'
import { exportConfig } from './config/export-config.ts'
import { planConfigFile } from './config/plan-config-file.ts'
import { getStateHash } from './edges/get-state-hash.ts'
import { getCapacity } from './capacity/get-capacity.ts'
import { listCapacity } from './capacity/list-capacity.ts'
import { listEdges } from './edges/list-edges.ts'
import { listRuleObservations } from './edges/list-rule-observations.ts'
import { copyGroup } from './groups/copy-group.ts'
import { createGroup } from './groups/create-group.ts'
import { deleteGroup } from './groups/delete-group.ts'
import { getGroup } from './groups/get-group.ts'
import { listGroups } from './groups/list-groups.ts'
import { orderGroups } from './groups/order-groups.ts'
import { updateGroup } from './groups/update-group.ts'
import { addKeys } from './keys/add-keys.ts'
import { deleteKey } from './keys/delete-key.ts'
import { disableKey } from './keys/disable-key.ts'
import { enableKey } from './keys/enable-key.ts'
import { getKey } from './keys/get-key.ts'
import { getEncryption, rotateEncryption } from './encryption/rotate-encryption.ts'
import { listPolicyRevisions } from './policy/list-policy-revisions.ts'
import { planPolicyRollback, rollBackPolicy } from './policy/rollback.ts'
import { listKeys } from './keys/list-keys.ts'
import { revealKey } from './keys/reveal-key.ts'
import { restoreKey } from './keys/restore-key.ts'
import { testKey } from './keys/test-key.ts'
import { updateKey } from './keys/update-key.ts'
import { exportLogs, exportLogsCsv } from './logs/export-logs.ts'
import { getLog } from './logs/get-log.ts'
import { getLogContent } from './logs/get-log-content.ts'
import { listDeadLetters } from './logs/list-dead-letters.ts'
import { listLogs } from './logs/list-logs.ts'
import { reconcileLogs } from './logs/reconcile-logs.ts'
import { replayDeadLetters } from './logs/replay-dead-letters.ts'
import { watchLogs } from './logs/watch-logs.ts'
import { createSession } from './sessions/create-session.ts'
import { deleteSession } from './sessions/delete-session.ts'
import { getSession } from './sessions/get-session.ts'
import { listSettings } from './settings/list-settings.ts'
import { updateSettings } from './settings/update-settings.ts'
import { getOverview } from './stats/get-overview.ts'
import { createPrice } from './prices/create-price.ts'
import { deletePrice } from './prices/delete-price.ts'
import { listPrices } from './prices/list-prices.ts'
import { exportStats, exportStatsCsv } from './stats/export-stats.ts'
import { getSeries } from './stats/get-series.ts'
import { getStatsBreakdown } from './stats/get-stats-breakdown.ts'
import { getStatsErrors } from './stats/get-stats-errors.ts'
import { getStatsKeys } from './stats/get-stats-keys.ts'
import { getStatsLatency } from './stats/get-stats-latency.ts'
import { getStatsSummary } from './stats/get-stats-summary.ts'
import { getSystem } from './system/get-system.ts'
import { cancelTask } from './tasks/cancel-task.ts'
import { exportKeys, exportKeySecrets } from './keys/export-keys.ts'
import { getTask } from './tasks/get-task.ts'
import { listTasks } from './tasks/list-tasks.ts'
import { previewImport } from './tasks/preview-import.ts'
import { deleteListedKeys, importKeys } from './tasks/receive-keys.ts'
import {
  copyKeys,
  deleteKeys,
  disableKeys,
  enableKeys,
  moveKeys,
  restoreKeys,
  startKeyExport,
  validateKeys,
} from './tasks/start-key-tasks.ts'
import { deleteTaskOutput, getTaskOutput } from './tasks/task-output-verbs.ts'
import { watchTask } from './tasks/watch-task.ts'
import { listUpstreams } from './upstreams/list-upstreams.ts'
import { replaceUpstreams } from './upstreams/replace-upstreams.ts'
import type { Verbs } from './verb.ts'

/** Every operation of the endpoint table with the verb behind it; the type makes none missing. */
export function createVerbs({ version }: { version: string }): Verbs {
  let openapi: ReturnType<typeof createOpenapiDocument> | undefined
  return {
    createSession,
    getSession,
    deleteSession,
    listAdminTokens,
    createAdminToken,
    deleteAdminToken,
    listGroups,
    createGroup,
    getGroup,
    updateGroup,
    deleteGroup,
    copyGroup,
    orderGroups,
    listUpstreams,
    replaceUpstreams,
    listMembers,
    replaceMembers,
    putMember,
    deleteMember,
    addKeys,
    listKeys,
    getEncryption,
    listPolicyRevisions,
    planPolicyRollback,
    rollBackPolicy,
    rotateEncryption,
    getKey,
    updateKey,
    deleteKey,
    enableKey,
    disableKey,
    restoreKey,
    testKey,
    revealKey,
    listAccessKeys,
    createAccessKey,
    getAccessKey,
    updateAccessKey,
    deleteAccessKey,
    listSettings,
    updateSettings,
    planConfig: planConfigFile,
    applyConfig: applyConfigFile,
    exportConfig,
    listLogs,
    reconcileLogs,
    listDeadLetters,
    replayDeadLetters,
    getLog,
    getLogContent,
    watchLogs,
    exportLogs,
    exportLogsCsv,
    getOverview,
    getSeries,
    getStatsSummary,
    getStatsBreakdown,
    getStatsErrors,
    getStatsLatency,
    getStatsKeys,
    exportStats,
    exportStatsCsv,
    listPrices,
    createPrice,
    deletePrice,
    listAudit,
    listEdges,
    getStateHash,
    getCapacity,
    listCapacity,
    listRuleObservations,
    explain,
    getStatus,
    getSystem,
    importKeys,
    previewImport,
    deleteKeys,
    deleteListedKeys,
    restoreKeys,
    enableKeys,
    disableKeys,
    validateKeys,
    copyKeys,
    moveKeys,
    exportKeys,
    exportKeySecrets,
    startKeyExport,
    listTasks,
    getTask,
    watchTask,
    cancelTask,
    getTaskOutput,
    deleteTaskOutput,
    getOpenapi: async () => ({ value: (openapi ??= createOpenapiDocument(endpoints, version)) }),
  }
}
