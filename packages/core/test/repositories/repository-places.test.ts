import { expect, it } from 'vitest';
import { IctError, type ErrorKind } from '@ict/plugin-api';
import { atRepository, type RepositoryPlaces } from '../../src/repositories/repository-places.js';
import { eachInWorkspace, openToy, TOY_HEAD, TOY_PARTS } from '../support/toy-plugin.js';

const workspace = eachInWorkspace();
const line = (number: number) => ({ file: '/template.yml', line: number, column: 5 });
const places: RepositoryPlaces = new Map([
  ['template-own', { whole: line(3), codename: line(4), path: line(5), keys: line(6) }],
  ['template-bare', { whole: line(8) }],
]);
const failure = (kind: ErrorKind, facts: object, problems: IctError['problems'] = []) =>
  new IctError('ICT_SAMPLE_REPOSITORY', kind, { message: 'no', hint: 'Look.', facts: { ...facts }, problems });

it.each<[string, IctError, object]>([
  ['as a whole', failure('integrity', { repository: 'template-own' }), { kind: 'integrity', problems: [{ position: line(3) }] }],
  [
    'its keys',
    failure('invalid', { repository: 'template-own', keyrings: ['/k'] }),
    { kind: 'invalid', problems: [{ position: line(6) }] },
  ],
  [
    'its name, where nothing is: trying again does not help',
    failure('network', { repository: 'template-own', absent: true }),
    { kind: 'invalid', problems: [{ position: line(4) }] },
  ],
  [
    'its directory, where there is none',
    failure('network', { repository: 'template-own', absent: true, directory: '/d' }),
    { kind: 'invalid', problems: [{ position: line(5) }] },
  ],
  ['the network', failure('network', { repository: 'template-own' }), { kind: 'network', problems: [{ position: line(3) }] }],
  [
    'a key of which no place is known',
    failure('invalid', { repository: 'template-bare', keyrings: [] }),
    { problems: [{ position: line(8) }] },
  ],
])('what is wrong with a repository of the template is told at its line: %s', (_what, error, told) => {
  const { code, message, hint } = error;
  expect(atRepository(error, places)).toMatchObject({ code, message, hint, ...told });
  expect(atRepository(error, places)).toMatchObject({ problems: [{ code, message, hint, severity: 'error' }] });
});

it.each<[string, unknown]>([
  ['of the definition', failure('network', { repository: 'main', absent: true })],
  ['of no repository', failure('network', {})],
  ['with places of its own', failure('invalid', { repository: 'template-own' }, [{ code: 'X', message: 'x', severity: 'error' }])],
  ['that is none of ours', new Error('no')],
])('what is wrong is told as it is: %s', (_what, error) => {
  expect(atRepository(error, places)).toBe(error);
});

const PINNED =
  "{ repository, root: { path: 'R', digest: 'sha256:' + '1'.repeat(64), sizeBytes: 1, dateSeconds: 1 }, signers: ['A'], indexes: [] }";
const plugin = (facts: string): string =>
  `${TOY_PARTS.replace(
    'snapshot: nothing',
    `snapshot: async (repository) => {
    if (repository.id === 'main') return ${PINNED};
    throw Object.assign(new Error('there is none'), { name: 'IctError', code: 'TOY_MISSING', kind: 'network', facts: ${facts}, problems: [] });
  }`,
  )}export default { apiVersion: 1, providers: [provider], formats: [format] };`;

it.each([
  ['that is not there', '{ repository: repository.id, absent: true }', 'invalid', 4],
  ['that cannot be reached, as the transport says without its name', "{ url: 'http://own.example/x' }", 'network', 4],
])('a template that names a repository %s is told where', async (_what, facts, kind, at) => {
  const engine = await openToy(workspace, plugin(facts));
  const key = await workspace.write('own.pgp', '');
  const template = await workspace.write(
    'image.yml',
    `${TOY_HEAD}packageRepositories:\n  - codename: own\n    url: http://own.example/x\n    pkey: ${key}\n`,
  );
  await expect(engine.lock(template)).rejects.toMatchObject({
    code: 'TOY_MISSING',
    kind,
    facts: { repository: 'template-own' },
    problems: [{ code: 'TOY_MISSING', position: { file: template, line: at } }],
  });
  await engine.close();
});
