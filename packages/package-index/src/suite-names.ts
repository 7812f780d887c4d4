import type { Snapshot } from '@ict/plugin-api';

/** What a request `name/suite` may call a repository: its suite, as asked for or as its signed root has it, codename, version, and id. */
export function suiteNames({ repository, root }: Pick<Snapshot, 'repository' | 'root'>): readonly string[] {
  const names: readonly (string | undefined)[] = [repository.suite, root.suite, root.codename, root.version, repository.id];
  return names.flatMap((name) => name || []);
}
