import { expect, it } from 'vitest';
import type { BuildEvent } from '@ict/plugin-api';
import type { Engine } from '../src/engine-api.js';
import { eachInWorkspace, openToy, TOY_HEAD, TOY_PARTS } from './support/toy-plugin.js';

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
  const template = await workspace.write('image.yml', `${TOY_HEAD}packageRepositories:\n  - { codename: own, packages: [https://a.example/own.deb] }\n`);
  // The plugin has no repository, so there is no answer.
  await expect(ask(engine, template)).rejects.toThrow();
  expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'ICT_UNSUPPORTED_YET' }));
  await engine.close();
});
