import { dirname } from 'node:path';
import { listWorkspace, type Cache } from '@ict/cache';
import type { Sandbox } from '@ict/sandbox';
import { removeFromWorkspace } from './removal.js';
import type { Session } from './session.js';

/** A base tree that is not what its record says. */
export interface WorkspaceFinding {
  readonly kind: 'chrootenv';
  /** `{provider-id}/chrootenv` */
  readonly id: string;
  readonly path: string;
  readonly problem: 'damaged';
  readonly detail: string;
  readonly repaired: boolean;
}

export interface WorkspaceVerification {
  readonly workDir: string;
  readonly checked: { readonly chrootenv: number };
  readonly findings: readonly WorkspaceFinding[];
}

/**
 * Compares every byte of the base trees in a work directory with their listings; snapshots are compared when they are unpacked.
 *
 * @param sandbox reads files of any owner; without one nothing is looked at.
 * @param locks takes away what is damaged, after builds have ended; without them it stays.
 */
export async function verifyWorkspace(
  session: Session,
  workDir: string,
  sandbox: Sandbox | undefined,
  locks: Pick<Cache, 'withLock'> | undefined,
): Promise<WorkspaceVerification> {
  const findings: WorkspaceFinding[] = [];
  let checked = 0;
  if (sandbox === undefined) return { workDir, checked: { chrootenv: checked }, findings };
  const { checkBaseTree } = await import('@ict/core');
  for (const entry of await listWorkspace(workDir)) {
    if (entry.kind !== 'chrootenv') continue;
    session.signal.throwIfAborted();
    const changed = await checkBaseTree(dirname(entry.path), sandbox, session.signal);
    if (changed === undefined) continue;
    checked += 1;
    if (changed.length === 0) continue;
    if (locks !== undefined) await removeFromWorkspace(session, locks, workDir, [entry]);
    const { id, path } = entry;
    findings.push({
      kind: 'chrootenv',
      id,
      path,
      problem: 'damaged',
      detail: changed.slice(0, 5).join(', '),
      repaired: locks !== undefined,
    });
  }
  return { workDir, checked: { chrootenv: checked }, findings };
}
