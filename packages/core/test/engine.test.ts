import { expect, it } from 'vitest';
import type { Engine } from '../src/engine-api.js';
import { eachInWorkspace, openToy, TOY_HEAD, TOY_PARTS } from './support/toy-plugin.js';

const workspace = eachInWorkspace();

it.each<[string, (engine: Engine, template: string) => Promise<unknown>]>([
  ['plan', (engine, template) => engine.plan(template)],
  ['explain', (engine, template) => engine.explain(template)],
  ['lock', (engine, template) => engine.lock(template)],
  ['why', (engine, template) => engine.why(template, 'bash')],
  ['why-not', (engine, template) => engine.whyNot(template, 'bash')],
  ['search', (engine, template) => engine.search(template, ['bash'])],
  ['show', (engine, template) => engine.show(template, 'bash')],
  ['graph', (engine, template) => engine.graph(template)],
  ['warm', (engine, template) => engine.warm(template)],
  ['build', (engine, template) => engine.build(template)],
])('%s says at its place that no plugin makes the image type of a template', async (_what, ask) => {
  const engine = await openToy(workspace, `${TOY_PARTS}export default { apiVersion: 1, providers: [provider], formats: [format] };`);
  const template = await workspace.write('image.yml', TOY_HEAD.replace('imageType: toy', 'imageType: iso'));
  await expect(ask(engine, template)).rejects.toMatchObject({
    code: 'ICT_TEMPLATE_INVALID',
    problems: [{ code: 'ICT_UNSUPPORTED_YET', position: { file: template, line: 2, column: 57 } }],
  });
  await engine.close();
});
