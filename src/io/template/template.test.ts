/** Holds that templates render what they say, and that nothing unknown renders as nothing. */

import { expect, test } from 'vitest';
import { partialNames, renderTemplate } from './template.js';

const variables = {
  name: 'userAccount',
  plural: 'people',
  no: false,
  none: null,
  text: '<a & "b">',
  list: ['a', 'b'],
  rows: [{ id: 1, of: { x: 'y' } }, { id: 2 }],
  deep: { er: { est: 'x' } },
};

const partials = {
  head: '# {{name}}\n',
  broken: 'one\n\n{{nobody}}\n',
  unclosed: '{{#if name}}',
  self: '{{> self}}',
  'a/b': '{{x}}!',
};

const render = (text: string) => renderTemplate({ name: 't.hbs', text, variables, partials });

const rendered: [text: string, result: string][] = [
  ['{{name}} {{text}} {{{text}}}', 'userAccount <a & "b"> <a & "b">'],
  ['{{#if no}}a{{else}}b{{/if}}{{#unless none}}c{{/unless}}', 'bc'],
  ['{{#each rows}}{{id}}{{#unless @last}},{{/unless}}{{/each}}', '1,2'],
  ['{{#each rows as |plural at|}}{{at}}{{plural.id}}{{/each}}', '0112'],
  ['{{#each rows as |plural|}}{{#with plural}}{{id}}{{/with}}{{/each}}', '12'],
  ['{{#each list as |plural|}}{{plural}}{{/each}}', 'ab'],
  ['{{#each list}}{{../name}}{{this}}{{/each}}', 'userAccountauserAccountb'],
  ['{{#with deep}}{{er.est}}{{@root.name}}{{/with}}', 'xuserAccount'],
  ['{{plural}} {{this.plural}} {{plural "box"}}', 'people people boxes'],
  ['{{#if plural}}x{{/if}}', 'x'],
  // Numbers beside each other are not added.
  ['{{#each rows}}{{@index}}{{id}}{{/each}}{{no}}{{none}}', '0112false'],
  ['{{#each rows}}{{{@index}}}{{{id}}}{{/each}}', '0112'],
  ['a  \n  {{~name~}}  \nb', 'auserAccountb'],
  ['{{#if (lookup this "absent")}}a{{else}}b{{/if}}', 'b'],
  ['{{> head}}{{> a/b x="y"}}{{> "a/b" x=1}}', '# userAccount\ny!1!'],
  ['{{#each list}}{{> a/b x=this}}{{/each}}', 'a!b!'],
  ['{{#*inline "in"}}{{name}}{{/inline}}{{> in}}', 'userAccount'],
  [
    '{{pascalCase name}} {{camelCase "HTTP server_url"}} {{kebabCase name}}',
    'UserAccount httpServerUrl user-account',
  ],
  [
    '{{snakeCase name}} {{constantCase name}} {{titleCase "HTTPServer-2"}}',
    'user_account USER_ACCOUNT Http Server 2',
  ],
  [
    '{{plural "story"}} {{plural "Person"}} {{plural "day"}} {{plural "user note"}}',
    'stories People days user notes',
  ],
  ['{{json list}} {{json deep 1}}', '["a","b"] {\n "er": {\n  "est": "x"\n }\n}'],
  ['{{#if (and (eq name "userAccount") (ne 1 2) (not no))}}y{{/if}}{{or no none "z"}}', 'yz'],
  ['{{join list}} {{join list "-"}} {{upper "a"}}{{lower "A"}}', 'a, b a-b Aa'],
];

test.each(rendered)('%s', async (text, result) => {
  expect(await render(text)).toEqual({ ok: true, value: result });
});

const refused: [text: string, fault: object][] = [
  [
    'a\n{{nobody}}',
    { template: 't.hbs', line: 2, variable: 'nobody', message: 'the variable `nobody` is unknown' },
  ],
  ['\n\n{{#if nobody}}a{{/if}}', { line: 3, variable: 'nobody' }],
  ['{{#unless nobody}}a{{/unless}}', { line: 1, variable: 'nobody' }],
  ['\n{{#each nobody}}a{{/each}}', { line: 2, variable: 'nobody' }],
  ['{{#with nobody}}a{{/with}}', { variable: 'nobody' }],
  ['{{#nobody}}a{{/nobody}}', { variable: 'nobody' }],
  ['{{^nobody}}a{{/nobody}}', { variable: 'nobody' }],
  ['{{#each rows}}\n{{nobody}}{{/each}}', { line: 2, variable: 'nobody' }],
  ['{{#each rows}}\n{{#if of.x}}{{of.x}}{{/if}}{{/each}}', { line: 2, variable: 'of.x' }],
  ['{{#each rows}}{{../nobody}}{{/each}}', { line: 1, variable: '../nobody' }],
  ['{{#if name}}\n{{#if no}}{{else}}{{nobody}}{{/if}}{{/if}}', { line: 2, variable: 'nobody' }],
  ['\n{{deep.nobody}}', { line: 2, variable: 'deep.nobody' }],
  ['\n{{nobody.deep.er}}', { line: 2, variable: 'nobody.deep.er' }],
  ['\n{{name.first}}', { line: 2, variable: 'name.first' }],
  ['{{@nobody}}', { variable: '@nobody' }],
  ['\n{{upper nobody}}', { line: 2, variable: 'nobody' }],
  ['{{#if (eq nobody 1)}}{{/if}}', { variable: 'nobody' }],
  ['{{> a/b x=nobody}}', { template: 't.hbs', variable: 'nobody' }],
  ['{{constructor}}', { variable: 'constructor' }],
  ['{{deep.__proto__}}', { variable: 'deep.__proto__' }],
  ['{{#with deep}}{{toString}}{{/with}}', { variable: 'toString' }],
  ['\n{{shout name}}', { line: 2, message: 'unknown helper `shout`' }],
  ['{{#if (shout name)}}{{/if}}', { line: 1, message: 'unknown helper `shout`' }],
  ['{{log name}}', { message: 'unknown helper `log`' }],
  ['{{> nobody}}', { template: 't.hbs', message: 'unknown partial `nobody`' }],
  ['{{> (lookup this "name")}}', { line: 1, message: expect.stringMatching(/must be a plain name/) }],
  ['{{> broken}}', { template: 'broken', line: 3, variable: 'nobody' }],
  ['{{> unclosed}}', { template: 'unclosed', line: 1, message: expect.stringMatching(/ends unexpectedly/) }],
  ['{{> self}}', { message: 'a partial includes itself endlessly' }],
  ['a\n{{#if name}}', { line: 2, message: expect.stringMatching(/ends unexpectedly/) }],
  ['a\n{{/if}}', { line: 2, message: expect.stringMatching(/not valid template syntax/) }],
  ['{{#if name}}{{/each}}', { line: 1, message: expect.stringMatching(/doesn't match/) }],
];

test.each(refused)('refused: %s', async (text, fault) => {
  expect(await render(text)).toEqual({ ok: false, error: expect.objectContaining(fault) });
});

test('the partials that a template names', async () => {
  const text =
    '{{> a}}{{#if x}}{{> b/c d=1}}{{/if}}{{#> lay}}{{> a}}{{/lay}}{{#*inline "in"}}{{> e}}{{/inline}}{{> in}}' +
    '{{!-- {{> comment}} --}}{{> @partial-block}}\\{{> escaped}}';
  expect((await partialNames(text)).sort()).toEqual(['a', 'b/c', 'e', 'lay']);
  expect(await partialNames('{{#if')).toEqual([]);
});

test('a backslash within a name is printed; where a word begins it makes braces plain text', async () => {
  const text = 'App\\{{ns}}\\{{entity}} C:\\{{entity}} \\\\{{ns}} @type \\{{ ns }} {{"{{"}} x }}';
  const made = await renderTemplate({ name: 't', text, variables: { ns: 'Models', entity: 'User' } });
  expect(made).toEqual({ ok: true, value: 'App\\Models\\User C:\\User \\Models @type {{ ns }} {{ x }}' });
});
