import type { PinnedRepository, Snapshot } from '@ict/plugin-api';

/** What of a snapshot, or of what a lock says of one, names its suite. */
interface Suited {
  readonly repository: Pick<PinnedRepository, 'id' | 'suite'>;
  readonly root: Pick<Snapshot['root'], 'suite' | 'codename' | 'version'>;
}

/** What a request `name/suite` may call a repository: its suite, as asked for or as its signed root has it, codename, version, and id. */
export function suiteNames({ repository, root }: Suited): readonly string[] {
  const names: readonly (string | undefined)[] = [repository.suite, root.suite, root.codename, root.version, repository.id];
  return names.flatMap((name) => name || []);
}
