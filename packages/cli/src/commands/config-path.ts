import { resolve } from 'node:path';
import { configCandidates, configFileOf, configScopes } from '@ict/template';
import { readIfPresent } from '../config-file.js';
import type { GlobalFlags } from '../flag-types.js';
import type { Session } from '../session.js';

/** `ict config path`: the files that are read, strongest first; with `--json` also where others would be looked for. */
export async function configPath(session: Session, flags: GlobalFlags): Promise<void> {
  const { surroundings } = session;
  const places =
    flags.config === undefined
      ? await Promise.all(
          configScopes.map(async (scope) => ({
            scope,
            file: await configFileOf(scope, surroundings),
            candidates: configCandidates(surroundings)[scope],
          })),
        )
      : [{ scope: 'named', file: resolve(surroundings.cwd, flags.config), candidates: [] }];
  const files = await Promise.all(places.map(async (place) => ({ ...place, exists: (await readIfPresent(place.file)) !== undefined })));
  session.document({ files });
  session.result(files.map(({ file, exists }) => (exists ? `${file}\n` : '')).join(''));
}
