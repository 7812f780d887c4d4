import { beforeEach, describe, expect, it } from 'vitest';
import { PluginHost } from '../../src/plugins/plugin-host.js';
import { readTemplate, type TemplateReading } from '../../src/templates/template-intake.js';
import { eachInWorkspace, TOY_DEFINITION, TOY_HEAD, TOY_PARTS } from '../support/toy-plugin.js';

/** A toy format that reports what the host name of the template asks for: `mistake`, `later` or `hint`, at its place. */
const CODE = `${TOY_PARTS}const codes = { mistake: ['TOY_WRONG', 'error'], later: ['ICT_UNSUPPORTED_YET', 'error'], hint: ['TOY_HINT', 'warning'] };
export default {
  apiVersion: 1,
  providers: [provider],
  formats: [{ ...format, check: (spec) => (spec.system.hostname ?? '').split('.').filter((word) => word in codes).map((word) => ({
    code: codes[word][0], severity: codes[word][1], message: word, position: spec.positions.get('systemConfig.hostname'),
  })) }],
};`;

const { path, write } = eachInWorkspace();
beforeEach(async () => {
  const ict = { apiVersion: 1, plugin: './dist/plugin.js', ecosystems: ['toy'], imageTypes: ['toy'], distros: ['distros/*.yml'] };
  await write('toy/package.json', JSON.stringify({ name: '@acme/toy', version: '1.0.0', type: 'module', ict }));
  await write('toy/dist/plugin.js', CODE);
  await write('toy/distros/toy1.yml', TOY_DEFINITION);
});

async function read(text: string): Promise<TemplateReading> {
  return readTemplate(await write('image.yml', `${TOY_HEAD}${text}`), await PluginHost.open([path('toy')], []));
}

const codes = ({ problems, refused, warnings }: TemplateReading) =>
  [problems, refused, warnings].map((list) => list.map(({ code, snippet }) => [code, snippet?.includes('^')]));

describe('what an image format says of a template', () => {
  it.each([
    ['mistake', [[['TOY_WRONG', true]], [], []]],
    ['later', [[], [['ICT_UNSUPPORTED_YET', true]], []]],
    ['hint', [[], [], [['TOY_HINT', true]]]],
  ])('makes it wrong, keeps it from being built, or is worth a look: %s', async (word, expected) => {
    expect(codes(await read(`systemConfig: { hostname: ${word} }\n`))).toEqual(expected);
  });

  it('is told beside the mistakes that the template has by itself', async () => {
    const reading = await read('systemConfig:\n  hostname: mistake.later\n  users: [{ name: "7" }]\n');
    expect(codes(reading)).toEqual([
      [
        ['TOY_WRONG', true],
        ['ICT_TEMPLATE_NAME', true],
      ],
      [['ICT_UNSUPPORTED_YET', true]],
      [],
    ]);
    expect(reading.intake).toBeUndefined();
  });
});

it('what no installer of its distribution can choose among files of packages is where that is said', async () => {
  const code = CODE.replace("{ ecosystem: 'toy' }", "{ ecosystem: 'toy', installer: {}, resolver: {} }");
  await write('toy/dist/plugin.js', code);
  const { refused, problems } = await read('systemConfig:\n  documentation: false\n  languages: [de]\n');
  expect(problems).toEqual([]);
  expect(refused.map(({ code, message, position }) => [code, message, position?.line])).toEqual(
    [
      ['documentation', 4],
      ['languages', 5],
    ].map(([key, line]) => ['ICT_UNSUPPORTED_YET', `systemConfig.${key} is not supported yet for packages of Toy`, line]),
  );
});

describe('a target', () => {
  const readAs = async (target: string): Promise<TemplateReading> =>
    readTemplate(
      await write('image.yml', `image: { name: demo, version: "1" }\ntarget: { ${target} }\n`),
      await PluginHost.open([path('toy')], []),
    );
  const told = ({ problems, refused }: TemplateReading) =>
    [...problems, ...refused].map(({ code, message, hint, position }) => [code, message, hint, position?.column]);

  it('of an image type that is not known hears of the nearest one, and of nothing that follows from it', async () => {
    expect(told(await readAs('os: toy, dist: toy1, arch: x86_64, imageType: tyo'))).toEqual([
      ['ICT_TEMPLATE_TARGET_UNKNOWN', 'no image type "tyo" is known', 'Did you mean "toy"?', 57],
    ]);
    expect(told(await readAs('os: toy, dist: toy1, arch: x86_64, imageType: floppy'))).toEqual([
      ['ICT_TEMPLATE_TARGET_UNKNOWN', 'no image type "floppy" is known', 'Supported: toy.', 57],
    ]);
  });

  it('of an image type that no plugin makes yet is right, but cannot be built', async () => {
    const { problems, refused } = await readAs('os: toy, dist: toy1, arch: x86_64, imageType: wsl2');
    expect(refused.map(({ code }) => code)).toEqual(['ICT_UNSUPPORTED_YET']);
    expect(problems.map(({ code }) => code)).not.toContain('ICT_TEMPLATE_TARGET_UNKNOWN');
  });

  it('whose distribution brings no keys is where that is said', async () => {
    await write('toy/distros/toy1.yml', TOY_DEFINITION.replace('key.pgp', ''));
    expect(codes(await read(''))).toEqual([[], [['ICT_DISTRO_KEYS_MISSING', true]], []]);
  });
});
