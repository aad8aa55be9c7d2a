/** What can be rolled back. */
export const policyEntities = ['setting', 'group', 'access_key'] as const
export type PolicyEntity = (typeof policyEntities)[number]

/** For how long it is remembered what settings, groups and access keys were. */
export const policyHistoryDays = 90
