import { gatherUnread, listWorkspace, type Unseen, type WorkspaceEntry } from '@ict/cache';
import type { CacheGcFlags } from '../cache-commands.js';
import { changeCache } from '../open-cache.js';
import { findOwnHome, finishRemoval, nothingRemoved, reportRemoval, withStayed } from '../removal.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';

const GIB = 1024 ** 3;
const DAY_SECONDS = 86_400;
/** Results that nobody asked for in this time are not kept for their own sake. */
const UNUSED_DAYS = 30;

/** `ict cache gc`: brings cache and work directory below their limits. */
export async function cacheGc(session: Session, flags: CacheGcFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const { maxGb, maxImages, minFreeGb, unusedDays = UNUSED_DAYS, imagebuildDays, dryRun = false } = flags;
  const { storageLimits } = await import('@ict/core');
  const home = await findOwnHome(session, engine);
  const cache = await changeCache(home, dryRun);
  const { unread, unseen } = gatherUnread();
  const workspace = await oldBuilds(engine.workDir, imagebuildDays, unseen);
  const limits = {
    ...storageLimits(engine.storage),
    unusedDays,
    ...(maxGb === undefined ? {} : { totalBytes: maxGb * GIB }),
    ...(maxImages === undefined ? {} : { imageCount: maxImages }),
    ...(minFreeGb === undefined ? {} : { freeBytes: minFreeGb * GIB }),
  };
  const collected = (await cache?.collect(limits, { dryRun, signal: session.signal })) ?? nothingRemoved;
  const stayed = dryRun ? [] : await finishRemoval(session, home, engine.workDir, cache, workspace);
  reportRemoval(session, withStayed({ dryRun, cache: collected, workspace, unread }, stayed));
}

/** Delivered images of the work directory that are older than this; none without an age. */
async function oldBuilds(workDir: string, days: number | undefined, unseen: Unseen): Promise<readonly WorkspaceEntry[]> {
  if (days === undefined) return [];
  const now = Date.now() / 1000;
  return (await listWorkspace(workDir, unseen)).filter(
    ({ kind, changedAt }) => kind === 'imagebuild' && now - changedAt > days * DAY_SECONDS,
  );
}
