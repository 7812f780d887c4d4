import { IctError, type ResolvedPackage, type VerifiedPackage } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { failedPackage } from '../src/install/failed-package.js';
import { RefusedFiles } from '../src/install/refused-files.js';

const pkg = (name: string, arch: string, repository: string) =>
  ({ name, arch, version: '1:2', id: `${name}:${arch}`, repository }) as unknown as VerifiedPackage & ResolvedPackage;
const packages = [pkg('lib', 'amd64', 'base'), pkg('lib', 'i386', 'extra'), pkg('app', 'amd64', 'extra')];

it.each([
  ["trying to overwrite '/opt/x', which is also in package lib:i386 1:2", 'app:amd64 1:2', 'lib:i386 1:2 from repository "extra"'],
  ["trying to overwrite '/opt/x', which is also in package older 3", 'app:amd64 1:2', 'older 3'],
  [
    "trying to overwrite directory '/opt/x' in package lib:amd64 1:2 with nondirectory",
    'app:amd64 1:2',
    'lib:amd64 1:2 from repository "base"',
  ],
  [
    "trying to overwrite shared '/opt/x', which is different from other instances of package lib:i386",
    'lib:i386 1:2',
    'lib:amd64 1:2 from repository "base"',
  ],
])('finds both packages in what dpkg says: %s', (reason, label, other) => {
  const refused = new RefusedFiles(packages);
  const [name, arch] = label.split(/[: ]/) as [string, string];
  refused.read(failedPackage(`status: /run/ict/packages/${name}_1%3a2_${arch}.deb : error : ${reason}`, packages)!);
  expect(refused.errorFor(new IctError('ICT_COMMAND_FAILED', 'command', { message: 'x' }))).toMatchObject({
    code: 'ICT_DEB_FILE_CONFLICT',
    message: expect.stringContaining(`\n  ${label} from repository "extra" and ${other}: /opt/x`) as string,
  });
});
