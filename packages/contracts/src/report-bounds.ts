/** Bounds of reports that pages need without their schemas. */
export const maxBreakdownItems = 100
/** Sums by key are kept by the hour, a row for each key in use: a long range over a million keys would be no quick look. */
export const maxKeyRangeMs = 7 * 86_400_000
