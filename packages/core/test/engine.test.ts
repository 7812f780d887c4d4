import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import type { BuildEvent } from '@ict/plugin-api';
import type { Engine } from '../src/engine-api.js';
import { eachInWorkspace, openToy, TOY_DEFINITION, TOY_HEAD, TOY_PARTS } from './support/toy-plugin.js';

const workspace = eachInWorkspace();

const PLUGIN = `${TOY_PARTS}export default { apiVersion: 1, providers: [provider], formats: [format] };`;

type Ask = (engine: Engine, template: string) => Promise<unknown>;

const QUESTIONS: readonly (readonly [string, Ask])[] = [
  ['plan', (engine, template) => engine.plan(template)],
  ['explain', (engine, template) => engine.explain(template)],
  ['lock', (engine, template) => engine.lock(template)],
  ['why', (engine, template) => engine.why(template, 'bash')],
  ['why-not', (engine, template) => engine.whyNot(template, 'bash')],
  ['search', (engine, template) => engine.search(template, ['bash'])],
  ['show', (engine, template) => engine.show(template, 'bash')],
  ['graph', (engine, template) => engine.graph(template)],
  ['warm', (engine, template) => engine.warm(template)],
];

it.each<readonly [string, Ask]>([...QUESTIONS, ['build', (engine, template) => engine.build(template)]])(
  '%s says at its place that no plugin makes the image type of a template',
  async (_what, ask) => {
    const engine = await openToy(workspace, PLUGIN);
    const template = await workspace.write('image.yml', TOY_HEAD.replace('imageType: toy', 'imageType: iso'));
    await expect(ask(engine, template)).rejects.toMatchObject({
      code: 'ICT_TEMPLATE_INVALID',
      problems: [{ code: 'ICT_UNSUPPORTED_YET', position: { file: template, line: 2, column: 57 } }],
    });
    await engine.close();
  },
);

it.each(QUESTIONS)('%s warns of a repository that it leaves out, as it cannot be used yet', async (_what, ask) => {
  const events: BuildEvent[] = [];
  const engine = await openToy(workspace, PLUGIN, (event) => events.push(event));
  const template = await workspace.write(
    'image.yml',
    `${TOY_HEAD}packageRepositories:\n  - { codename: own, packages: [https://a.example/own.deb] }\n`,
  );
  // The plugin has no repository, so there is no answer.
  await expect(ask(engine, template)).rejects.toThrow();
  expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'ICT_UNSUPPORTED_YET' }));
  await engine.close();
});

it('serves templates of several distributions, each with what its own repositories need', async () => {
  const asked: (readonly [string | undefined, string | undefined])[] = [];
  const server = createServer(({ url, headers }, answer) => {
    asked.push([url, headers.authorization]);
    answer.end('root');
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  onTestFinished(() => void server.close());
  const definitions = await Promise.all(
    ['one', 'two'].map((name) => {
      const archive = `http://${name}:secret@127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;
      const text = TOY_DEFINITION.replace('dist: toy1', `dist: ${name}`).replace('http://archive', archive);
      return workspace.write(`toy/${name}.yml`, text);
    }),
  );
  const snapshot = 'async ({ archive }, arch, ctx) => void (await ctx.fetch.fetch({ url: `${archive}/root`, maxBytes: 10 }))';
  const plugin = PLUGIN.replace('snapshot: nothing', `snapshot: ${snapshot}`);
  const engine = await openToy(workspace, plugin, undefined, { offline: false, distributionFiles: definitions });
  for (const name of ['one', 'two']) {
    const template = await workspace.write(`${name}.yml`, TOY_HEAD.replace('dist: toy1', `dist: ${name}`));
    // The plugin answers nothing, which is refused; but it has fetched by then.
    await expect(engine.plan(template)).rejects.toMatchObject({ code: 'ICT_PLUGIN_FAILED' });
  }
  const basic = (name: string) => `Basic ${Buffer.from(`${name}:secret`).toString('base64')}`;
  expect(asked).toEqual([
    ['/one/root', basic('one')],
    ['/two/root', basic('two')],
  ]);
  await engine.close();
});

it('opens its cache again when that failed before', async () => {
  const cacheDir = await workspace.write('in-the-way', '');
  const engine = await openToy(workspace, PLUGIN, undefined, { cacheDir });
  const template = await workspace.write('image.yml', TOY_HEAD);
  await expect(engine.plan(template)).rejects.not.toMatchObject({ code: 'ICT_PLUGIN_FAILED' });
  await rm(cacheDir);
  await expect(engine.plan(template)).rejects.toMatchObject({ code: 'ICT_PLUGIN_FAILED' });
  await engine.close();
});
