import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RpmSet, RpmWorkshop } from '@ict/fixtures';

/** By version. Which module they belong to, if to any, says {@link MODULES}. */
const PACKAGES: Readonly<Record<string, RpmSet>> = {
  '0.5': { lang: [], plain: [] },
  '1.0': { db: [], 'db-server': ['Requires: db'], ext: [], lang: [], odd: [], old: [] },
  '1.1': { db: [], 'db-server': ['Requires: db'] },
  '2.0': { db: [], 'db-server': ['Requires: db'], ext: [], lang: [], odd: [], old: [] },
  '3.0': { db: [], 'db-alias': ['Provides: db = 9'], plain: ['Requires: db'] },
  '4.0': { app: ['Requires: lang'], 'old-app': ['Requires: lang'] },
};

interface Stream {
  readonly version?: number;
  readonly context?: string;
  readonly requires?: string;
  readonly profiles?: Readonly<Record<string, readonly string[]>>;
  readonly artifacts: readonly string[];
}

const profilesOf = (profiles: NonNullable<Stream['profiles']>): string =>
  Object.entries(profiles)
    .map(([profile, rpms]) => `${profile}: {rpms: [${rpms.join(', ')}]}`)
    .join(', ');

/** A document of a build of a stream. @param requires the inside of a mapping of YAML. */
export const modulemd = (
  name: string,
  stream: string,
  { version = 1, context = 'c0ffee01', requires = '', profiles = {}, artifacts }: Stream,
) => `---
document: modulemd
version: 2
data:
  name: ${name}
  stream: "${stream}"
  version: ${version}
  context: ${context}
  arch: x86_64
  summary: A module
  description: >-
    A module
  license:
    module: [MIT]
  dependencies:
  - requires: {${requires}}
  profiles: {${profilesOf(profiles)}}
  artifacts:
    rpms:
${artifacts.map((nevra) => `    - ${nevra}\n`).join('')}...
`;

/** A document of version 1, as the first modules of Fedora had: it names one stream of what it needs, and may have no context. */
const firstModulemd = (
  name: string,
  stream: string,
  { version = 1, requires = '', profiles = {}, artifacts }: Omit<Stream, 'context'>,
) => `---
document: modulemd
version: 1
data:
  name: ${name}
  stream: ${stream}
  version: ${version}
  arch: x86_64
  summary: A module
  description: A module
  license:
    module: [MIT]
  dependencies:
    buildrequires: {platform: el9}
    requires: {${requires}}
  profiles: {${profilesOf(profiles)}}
  artifacts:
    rpms: [${artifacts.map((nevra) => `"${nevra}"`).join(', ')}]
`;

/** A document that names the default stream of a module, and default profiles. */
export const defaults = (module: string, stream: string | undefined, profiles: string) => `---
document: modulemd-defaults
version: 1
data:
  module: ${module}
${stream === undefined ? '' : `  stream: "${stream}"\n`}  profiles: {${profiles}}
...
`;

const DB = { server: ['db-server'], client: ['db'] };
const MODULES = [
  defaults('db', '1', '"1": [server], "2": [client]'),
  modulemd('db', '1', { version: 100, profiles: DB, artifacts: ['db-0:1.0-1.noarch', 'db-server-0:1.0-1.noarch', 'db-0:1.0-1.src'] }),
  modulemd('db', '1', { version: 200, profiles: DB, artifacts: ['db-0:1.1-1.noarch', 'db-server-0:1.1-1.noarch'] }),
  modulemd('db', '2', { version: 100, profiles: DB, artifacts: ['db-0:2.0-1.noarch', 'db-server-0:2.0-1.noarch'] }),
  modulemd('ext', 's', { context: 'c0ffee01', requires: 'db: ["1"]', artifacts: ['ext-0:1.0-1.noarch'] }),
  modulemd('ext', 's', { context: 'c0ffee02', requires: 'db: ["2"]', artifacts: ['ext-0:2.0-1.noarch'] }),
  defaults('ext', 's', ''),
  modulemd('lang', 'a', { artifacts: ['lang-0:1.0-1.noarch'], profiles: { common: ['lang'] } }),
  modulemd('lang', 'b', { artifacts: ['lang-0:2.0-1.noarch'], profiles: { common: ['lang'] } }),
  modulemd('app', 'x', { requires: 'lang: [b]', artifacts: ['app-0:4.0-1.noarch'], profiles: { common: ['app'] } }),
  modulemd('odd', 'n', { requires: 'db: ["-1"]', artifacts: ['odd-0:1.0-1.noarch'], profiles: { default: ['odd'] } }),
  modulemd('odd', 'o', { requires: 'db: []', artifacts: ['odd-0:2.0-1.noarch'], profiles: { default: ['odd'] } }),
  firstModulemd('old', '1.10', { artifacts: ['old-0:1.0-1.noarch'], profiles: { default: ['old'] } }),
  firstModulemd('old', '2', { requires: 'platform: el9, db: 2', artifacts: ['old-0:2.0-1.noarch'], profiles: { default: ['old'] } }),
  firstModulemd('old-app', 'x', { requires: 'lang: b', artifacts: ['old-app-0:4.0-1.noarch'], profiles: { default: ['old-app'] } }),
].join('');

/** A repository with modules, as createrepo_c and modifyrepo_c write it. @returns its directory. */
export function moduleRepository(workshop: RpmWorkshop): string {
  const root = workshop.repository(
    'modules',
    Object.entries(PACKAGES).flatMap(([version, set]) => workshop.buildSet(set, version)),
  );
  const file = join(workshop.directory, 'modules.yaml');
  writeFileSync(file, MODULES);
  execFileSync('modifyrepo_c', ['--mdtype=modules', file, join(root, 'repodata')], { stdio: 'pipe' });
  return root;
}
