// Without schemas: the portal's first page and workers load it too.

/** Ids of groups and access keys are 32 bits wide in the database, those of keys are not. */
export const maxEntityId = 2_147_483_647

/** The record of AUTH_KEY while `auth_key_opens_proxy` is on: the largest id, which no row has; logs name it. */
export const adminAccessKeyId = 2_147_483_647
