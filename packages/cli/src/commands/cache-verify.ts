import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding, StoredLayer, VerifyOptions } from '@ict/cache';
import { toErrorRecord } from '@ict/plugin-api';
import { startSandbox, type LayerManifest, type Sandbox } from '@ict/sandbox';
import type { CacheVerifyFlags } from '../cache-commands.js';
import { changeCache, reapCache } from '../open-cache.js';
import { formatCount } from '../quantity.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { plainText, table } from '../terminal-text.js';

/** The status for damage that is still there, as for any other failed check of integrity. */
const DAMAGED = 5;

/** `ict cache verify`: compares every byte of the cache with what names and records say. */
export async function cacheVerify(session: Session, flags: CacheVerifyFlags): Promise<number> {
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const { repair = false } = flags;
  const cache = await changeCache(engine.cacheDir, !repair);
  const { signal } = session;
  const { checked, findings } =
    cache === undefined
      ? { checked: {}, findings: [] }
      : await withLayerCheck(session, (checkLayer) =>
          cache.verify({ repair, signal, ...(checkLayer === undefined ? {} : { checkLayer }) }),
        );
  if (cache !== undefined && repair) await reapCache(cache, session);
  const status = findings.some(({ problem, repaired }) => problem === 'damaged' && !repaired) ? DAMAGED : 0;
  session.document({ cacheDir: engine.cacheDir, status, checked, findings });
  const total = Object.values(checked).reduce((sum, count) => sum + count, 0);
  const damaged = findings.filter(({ problem }) => problem === 'damaged').length;
  const lines = [...table(findings.map(findingRow)), `${formatCount(total, 'entry', 'entries')} checked, ${damaged} damaged`];
  if (status !== 0) lines.push('`ict cache verify --repair` takes the damaged ones away; builds never use them.');
  session.result(`${lines.join('\n')}\n`);
  return status;
}

function findingRow({ kind, id, problem, detail, repaired }: Finding): readonly string[] {
  return [`${problem}${repaired ? ', removed' : ''}`, kind, plainText(id), plainText(detail)];
}

/** Layers may hold files of any owner: they are read in a sandbox. Where none can be started, they are left out, and it says so. */
async function withLayerCheck<T>(session: Session, work: (check: VerifyOptions['checkLayer']) => Promise<T>): Promise<T> {
  const { signal } = session;
  const temporary = await mkdtemp(join(tmpdir(), 'ict-verify-'));
  try {
    let sandbox: Sandbox;
    try {
      sandbox = await startSandbox({ signal, temporary });
    } catch (error) {
      signal.throwIfAborted();
      session.note(`layers are not checked: ${toErrorRecord(error).message}\n`, 'warn');
      return await work(undefined);
    }
    try {
      return await work((layer) => changesOf(layer, sandbox, signal));
    } finally {
      await sandbox.close();
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function changesOf({ fs, manifest }: StoredLayer, sandbox: Sandbox, signal: AbortSignal): Promise<readonly string[]> {
  let listing: LayerManifest;
  try {
    listing = JSON.parse(manifest) as LayerManifest;
  } catch {
    return ['its listing is not JSON'];
  }
  const { ok, changed } = await sandbox.verifyLayer(fs, listing, { mode: 'full', signal });
  return ok ? [] : changed.length > 0 ? changed : ['its content'];
}
