/** Every file is hashed again within this time of being used, however unchanged it looks: disks rot. */
const LIMIT_DAYS = 30;
/** From this age on, files are hashed again while the budget lasts, so that they do not all fall due at once. */
const EARLY_DAYS = 20;
/** What one process hashes early: a fraction of a second. */
const BUDGET_BYTES = 128 * 1024 * 1024;

const DAY_SECONDS = 86_400;

/** Whether a file was last hashed so long ago that it may be hashed early. */
export function isAging(verifiedAt: number, now: number): boolean {
  return now - verifiedAt >= EARLY_DAYS * DAY_SECONDS;
}

/** Says whether a file whose stat signature is unchanged is to be hashed all the same. */
export type ScrubSchedule = (verifiedAt: number, sizeBytes: number) => boolean;

/** @param clock now, seconds since 1970. */
export function createScrubSchedule(clock: () => number, budgetBytes = BUDGET_BYTES): ScrubSchedule {
  let left = budgetBytes;
  return (verifiedAt, sizeBytes) => {
    if (clock() - verifiedAt >= LIMIT_DAYS * DAY_SECONDS) return true;
    if (!isAging(verifiedAt, clock()) || sizeBytes > left) return false;
    left -= sizeBytes;
    return true;
  };
}
