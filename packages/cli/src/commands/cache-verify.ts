import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  gatherUnread,
  privateDirectory,
  type Cache,
  type Finding,
  type StoredLayer,
  type Verification,
  type VerifyOptions,
  type WorkspaceEntry,
} from '@ict/cache';
import { toErrorRecord } from '@ict/plugin-api';
import { startSandbox, type Sandbox } from '@ict/sandbox';
import type { CacheVerifyFlags } from '../cache-commands.js';
import { withEngine } from '../engine-session.js';
import { changeCache, findCacheHome, lookBehind } from '../open-cache.js';
import { formatCount } from '../views/quantity.js';
import { finishRemoval } from '../removal.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { warnUnread } from '../unread.js';
import { plainText, table } from '../views/terminal-text.js';
import { verifyWorkspace, type WorkspaceCheck, type WorkspaceFinding, type WorkspaceVerification } from '../workspace-check.js';

/** The status for damage that is still there, and for what could not be read, as for any other check of integrity that did not succeed. */
const FAULTY = 5;

/** `ict cache verify`: compares every byte of the cache, of base trees and of their snapshots, with what names and records say. */
export async function cacheVerify(session: Session, flags: CacheVerifyFlags): Promise<number> {
  const { engine } = await takeSettings(session, flags);
  const { repair = false } = flags;
  const home = await findCacheHome(engine);
  const { unread, unseen } = gatherUnread();
  const { signal } = session;
  const [cache, behind] = await Promise.all([changeCache(home, !repair, signal), lookBehind(home, unseen, signal)]);
  warnUnread(session, unread);
  const scratch = await scratchOf(cache && home.scratchDir);
  const { own, others, trees } = await withSandbox(session, scratch, async (sandbox) => {
    const checkLayer = sandbox && (async (layer: StoredLayer) => (await import('@ict/core')).checkLayer(layer, sandbox, signal));
    const verify = (one: Cache, mend: boolean): Promise<Verification> =>
      withTwinCheck(session, flags, scratch, one, (checkTwin) =>
        one.verify({
          repair: mend,
          signal,
          ...(checkLayer === undefined ? {} : { checkLayer }),
          ...(checkTwin === undefined ? {} : { checkTwin }),
        }),
      );
    const verified: Verification = cache === undefined ? { checked: {}, findings: [] } : await verify(cache, repair);
    const beside: (Verdict & { readonly cacheDir: string })[] = [];
    for (const one of behind) {
      const { checked, findings } = await verify(one, false);
      const { verification: snapshots } = await verifyWorkspace(session, one.cacheDir, sandbox, ['chrootbuild']);
      const { chrootbuild } = snapshots.checked;
      beside.push({
        cacheDir: one.cacheDir,
        checked: { ...checked, ...(chrootbuild === 0 ? {} : { chrootbuild }) },
        findings: [...findings, ...snapshots.findings],
      });
    }
    return { own: verified, others: beside, trees: await verifyWorkspace(session, engine.workDir, sandbox) };
  }).finally(() => rm(scratch, { recursive: true, force: true }));
  const workspace = repair
    ? await repaired(trees, (entries) => finishRemoval(session, home, engine.workDir, cache, entries, trees.isStillThere))
    : trees.verification;
  const all = [own, workspace, ...others];
  const status = unread.length > 0 || all.some((one) => isDamaged(one) || isUnread(one)) ? FAULTY : 0;
  session.document({ cacheDir: home.cacheDir, status, ...own, workspace, readOnly: others, unread });
  const { chrootenv, chrootbuild } = workspace.checked;
  const ofTrees =
    chrootenv + chrootbuild === 0 ? [] : ['', `${plainText(workspace.workDir)}, base trees and snapshots:`, ...verdict(workspace)];
  const lines = [...verdict(own), ...ofTrees, ...others.flatMap((one) => ['', `${plainText(one.cacheDir)}, only read:`, ...verdict(one)])];
  if (isDamaged(own) || isDamaged(workspace)) {
    lines.push(
      repair
        ? 'What is damaged and still there is in directories of another user, or on a file system that is only read (ICT_CACHE_NOT_REMOVED): repeat the command as whoever may write there. Builds never use it.'
        : '`ict cache verify --repair` takes the damaged ones away; builds never use them.',
    );
  }
  if (all.some(isUnread)) {
    lines.push(
      'What is unreadable may be sound, and stays (ICT_CACHE_UNREADABLE): check its disk or file server, and who may read it. Builds do without.',
    );
  }
  if (others.some(isDamaged)) lines.push('What is damaged in a cache that is only read stays for its owner; builds never use it.');
  session.result(`${lines.join('\n')}\n`);
  return status;
}

/** A directory for what is made to be compared: where builds make theirs, and look for those of processes that were killed, if there is one. */
function scratchOf(root: string | undefined): Promise<string> {
  return root === undefined ? mkdtemp(join(tmpdir(), 'ict-verify-')) : privateDirectory(root, 'verify');
}

/** What was looked at in one place, and what is wrong there. */
interface Verdict {
  readonly checked: Readonly<Record<string, number>>;
  readonly findings: readonly (Finding | WorkspaceFinding)[];
}

function isDamaged({ findings }: Verdict): boolean {
  return findings.some(({ problem, repaired }) => problem === 'damaged' && !repaired);
}

function isUnread({ findings }: Verdict): boolean {
  return findings.some(({ problem }) => problem === 'unreadable');
}

/** Takes away what is damaged in a work directory. @returns its verification, with what became of each. */
async function repaired(
  { verification, damaged }: WorkspaceCheck,
  remove: (entries: readonly WorkspaceEntry[]) => Promise<readonly WorkspaceEntry[]>,
): Promise<WorkspaceVerification> {
  const stayed = new Set((await remove(damaged)).map(({ path }) => path));
  const findings = verification.findings.map((one) => ({ ...one, repaired: one.problem === 'damaged' && !stayed.has(one.path) }));
  return { ...verification, findings };
}

/** What is wrong in one place, and how much was looked at. */
function verdict({ checked, findings }: Verdict): readonly string[] {
  const total = Object.values(checked).reduce((sum, count) => sum + count, 0);
  const count = (wanted: Finding['problem']): number => findings.filter(({ problem }) => problem === wanted).length;
  const unread = count('unreadable') === 0 ? '' : `, ${count('unreadable')} unreadable`;
  return [...table(findings.map(findingRow)), `${formatCount(total, 'entry', 'entries')} checked, ${count('damaged')} damaged${unread}`];
}

function findingRow({ kind, id, problem, detail, repaired }: Finding | WorkspaceFinding): readonly string[] {
  return [`${problem}${repaired ? ', removed' : ''}`, kind, plainText(id), plainText(detail)];
}

/** Layers, base trees and snapshots may hold files of any owner: they are read in a sandbox. Where none can be started, they are left out, and it says so. */
async function withSandbox<T>(session: Session, temporary: string, work: (sandbox: Sandbox | undefined) => Promise<T>): Promise<T> {
  const { signal } = session;
  let sandbox: Sandbox;
  try {
    sandbox = await startSandbox({ signal, temporary });
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, hint } = toErrorRecord(error);
    session.warn({
      code,
      message: `layers, base trees and snapshots are not checked: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    });
    return work(undefined);
  }
  try {
    return await work(sandbox);
  } finally {
    await sandbox.close();
  }
}

/** Twins are made anew by the provider of their packages: an engine is opened if there are any. */
async function withTwinCheck<T>(
  session: Session,
  flags: CacheVerifyFlags,
  directory: string,
  cache: Cache,
  work: (check: VerifyOptions['checkTwin']) => Promise<T>,
): Promise<T> {
  if (!(await mayHaveTwins(cache))) return work(undefined);
  return withEngine(session, { ...flags, hostMirrors: true }, (engine) => work((twin) => engine.checkTwin(twin, directory)));
}

/** True also where the system does not say: what it does not let be looked at is found by verifying. */
async function mayHaveTwins(cache: Cache): Promise<boolean> {
  const { unread, unseen } = gatherUnread();
  return (await cache.entries(['twin'], unseen)).length > 0 || unread.length > 0;
}
