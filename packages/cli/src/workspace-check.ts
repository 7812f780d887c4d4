import { lstat } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import { listWorkspace, type Fault, type WorkspaceEntry } from '@ict/cache';
import type { TreeVerdict } from '@ict/core';
import { systemErrorOf } from '@ict/integrity';
import type { Sandbox } from '@ict/sandbox';
import type { Session } from './session.js';

/** What of a work directory builds take for what its record says. */
type TreeKind = Exclude<WorkspaceEntry['kind'], 'imagebuild'>;

/** A base tree, or a snapshot of one, with which something is wrong. */
export interface WorkspaceFinding extends Fault {
  readonly kind: TreeKind;
  /** `{provider-id}/chrootenv`, `{provider-id}/chrootbuild`; `{provider-id}`, or nothing for the work directory, where that cannot be read. */
  readonly id: string;
  readonly path: string;
  readonly repaired: boolean;
}

export interface WorkspaceVerification {
  readonly workDir: string;
  readonly checked: Readonly<Record<TreeKind, number>>;
  readonly findings: readonly WorkspaceFinding[];
}

/** What is wrong in a work directory. */
export interface WorkspaceCheck {
  readonly verification: WorkspaceVerification;
  readonly damaged: readonly WorkspaceEntry[];
  /** Whether a damaged entry is still the one that was looked at: a build may have put another one in its place. */
  isStillThere(entry: WorkspaceEntry): Promise<boolean>;
}

/**
 * Compares every byte of the base trees in a work directory, and of their snapshots, with what their records say.
 *
 * @param sandbox reads files of any owner; without one nothing is looked at.
 * @param kinds what is looked at: of a work directory that is only read, builds take snapshots alone.
 */
export async function verifyWorkspace(
  session: Session,
  workDir: string,
  sandbox: Sandbox | undefined,
  kinds: readonly TreeKind[] = ['chrootenv', 'chrootbuild'],
): Promise<WorkspaceCheck> {
  const findings: WorkspaceFinding[] = [];
  const damaged = new Map<WorkspaceEntry, string>();
  const checked = { chrootenv: 0, chrootbuild: 0 };
  const result = (): WorkspaceCheck => ({
    verification: { workDir, checked, findings },
    damaged: [...damaged.keys()],
    isStillThere: async (entry) => (await stateOf(entry)) === damaged.get(entry),
  });
  if (sandbox === undefined) return result();
  const { checkBaseTree, checkSnapshot } = await import('@ict/core');
  const { signal } = session;
  const check: Readonly<Record<TreeKind, (directory: string) => Promise<TreeVerdict>>> = {
    chrootenv: (directory) => checkBaseTree(directory, sandbox, signal),
    chrootbuild: (directory) => checkSnapshot(directory, sandbox, signal),
  };
  const entries = await listWorkspace(workDir, (path, error) => {
    const id = relative(workDir, path);
    const parts = id.split(sep);
    // What is above the entries may hold any of these.
    const kind = kinds.find((one) => one === parts[1]) ?? (parts.length === 1 ? kinds[0] : undefined);
    if (kind === undefined) return;
    findings.push({ kind, id, path, problem: 'unreadable', detail: `it cannot be read: ${systemErrorOf(error)}`, repaired: false });
  });
  for (const entry of entries) {
    const { kind, id, path } = entry;
    if (kind === 'imagebuild' || !kinds.includes(kind)) continue;
    signal.throwIfAborted();
    const state = await stateOf(entry);
    const verdict = await check[kind](dirname(path));
    if (verdict === undefined) continue;
    checked[kind] += 1;
    if (verdict === 'sound') continue;
    if (verdict.problem === 'damaged') damaged.set(entry, state);
    findings.push({ kind, id, path, ...verdict, repaired: false });
  }
  return result();
}

/** Another text for each directory that lies at the place, and after each change of what is directly in it. */
async function stateOf({ path }: WorkspaceEntry): Promise<string> {
  try {
    const { ino, ctimeNs } = await lstat(path, { bigint: true });
    return `${ino} ${ctimeNs}`;
  } catch (error) {
    const reason = systemErrorOf(error);
    if (reason === undefined) throw error;
    return reason;
  }
}
