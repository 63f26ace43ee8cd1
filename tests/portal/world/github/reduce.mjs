// Reduces GitHub's published description to the operations that the simulation answers.
//
// Run once per version of the description, from any folder (the files are about 13 MB each):
//   npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
//   node reduce.mjs package/generated/api.github.com.json package/generated/ghec.json \
//     > tests/data/github-openapi.json
//
// What it does: keeps the operations below with the schemas that they name, resolves references to
// parameters and responses, drops prose and examples, and turns OpenAPI 3.0's `nullable` into JSON
// Schema's `null` type, so that the result can be read by any JSON Schema validator.
import fs from 'node:fs';

const OPERATIONS = [
  // repositories
  'GET /repos/{owner}/{repo}', 'PATCH /repos/{owner}/{repo}', 'DELETE /repos/{owner}/{repo}',
  'POST /orgs/{org}/repos', 'POST /user/repos',
  'GET /orgs/{org}/repos', 'GET /users/{username}/repos', 'GET /user/repos',
  'GET /repos/{owner}/{repo}/topics', 'PUT /repos/{owner}/{repo}/topics',
  // access
  'PUT /orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}',
  'PUT /repos/{owner}/{repo}/collaborators/{username}',
  'GET /repos/{owner}/{repo}/branches/{branch}/protection',
  'PUT /repos/{owner}/{repo}/branches/{branch}/protection',
  // git data
  'GET /repos/{owner}/{repo}/git/ref/{ref}', 'GET /repos/{owner}/{repo}/git/matching-refs/{ref}',
  'POST /repos/{owner}/{repo}/git/refs', 'PATCH /repos/{owner}/{repo}/git/refs/{ref}',
  'DELETE /repos/{owner}/{repo}/git/refs/{ref}',
  'POST /repos/{owner}/{repo}/git/blobs', 'GET /repos/{owner}/{repo}/git/blobs/{file_sha}',
  'POST /repos/{owner}/{repo}/git/trees', 'GET /repos/{owner}/{repo}/git/trees/{tree_sha}',
  'POST /repos/{owner}/{repo}/git/commits', 'GET /repos/{owner}/{repo}/git/commits/{commit_sha}',
  // contents
  'GET /repos/{owner}/{repo}/commits/{ref}', 'GET /repos/{owner}/{repo}/contents/{path}',
  'GET /repos/{owner}/{repo}/tarball/{ref}',
  // people
  'GET /user', 'GET /users/{username}', 'GET /user/emails', 'GET /user/orgs', 'GET /user/teams',
  'GET /orgs/{org}/members', 'GET /orgs/{org}/teams', 'GET /orgs/{org}/teams/{team_slug}/members',
  // apps
  'GET /orgs/{org}/installation', 'POST /app/installations/{installation_id}/access_tokens',
];
const PROSE = ['description', 'example', 'examples', 'summary', 'title', 'xml', 'x-github',
  'externalDocs', 'deprecated', 'readOnly', 'x-multi-segment', 'x-github-breaking-changes'];

const [mainPath, cloudPath] = process.argv.slice(2);
const full = JSON.parse(fs.readFileSync(mainPath, 'utf8'));
const cloud = JSON.parse(fs.readFileSync(cloudPath, 'utf8'));
const wanted = new Set();

const at = (reference) => reference.slice(2).split('/')
  .reduce((node, part) => node[part.replaceAll('~1', '/').replaceAll('~0', '~')], full);
const resolve = (node) => (node && node.$ref ? resolve(at(node.$ref)) : node);

// `named`: the keys of this object are names (of properties), not words of the schema language.
function clean(node, named = false) {
  if (Array.isArray(node)) return node.map((item) => clean(item));
  if (node === null || typeof node !== 'object') return node;
  if (!named && node.$ref) {
    wanted.add(node.$ref.split('/').pop());
    return { $ref: node.$ref };
  }
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    if (!named && (PROSE.includes(key) || key === 'nullable' || key === 'default')) continue;
    out[key] = clean(value, !named && key === 'properties');
  }
  return !named && node.nullable ? nullable(out) : out;
}

function nullable(schema) {
  if (schema.enum && !schema.enum.includes(null)) schema.enum = [...schema.enum, null];
  if (typeof schema.type === 'string') return { ...schema, type: [schema.type, 'null'] };
  return Object.keys(schema).length === 0 ? {} : { anyOf: [schema, { type: 'null' }] };
}

function body(request) {
  const json = request?.content?.['application/json'];
  return json && { required: request.required === true, schema: clean(json.schema) };
}

function responses(all) {
  const out = {};
  for (const [status, reference] of Object.entries(all)) {
    const json = resolve(reference).content?.['application/json'];
    out[status] = status.startsWith('2') && json?.schema ? { schema: clean(json.schema) } : {};
  }
  return out;
}

const paths = {};
for (const operation of OPERATIONS) {
  const [method, path] = operation.split(' ');
  const source = full.paths[path]?.[method.toLowerCase()];
  if (!source) throw new Error(`the description has no ${operation}`);
  const parameters = (source.parameters ?? []).map(resolve);
  (paths[path] ??= {})[method.toLowerCase()] = {
    operationId: source.operationId,
    docs: source.externalDocs?.url,
    query: Object.fromEntries(parameters.filter((p) => p.in === 'query')
      .map((p) => [p.name, clean(p.schema)])),
    requestBody: body(source.requestBody),
    responses: responses(source.responses),
  };
}

// Enterprise Cloud's own description knows one visibility more; github.com's leaves it out although
// it is the same host (docs: "internal" needs an organization that belongs to an enterprise).
const visibility = (description) => description.paths['/orgs/{org}/repos'].post
  .requestBody.content['application/json'].schema.properties.visibility.enum;
paths['/orgs/{org}/repos'].post.requestBody.schema.properties.visibility.enum =
  [...new Set([...visibility(full), ...visibility(cloud)])];

const schemas = {};
for (let before = -1; before !== wanted.size;) {
  before = wanted.size;
  for (const name of [...wanted]) schemas[name] ??= clean(full.components.schemas[name]);
}
const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
process.stdout.write(`${JSON.stringify({
  info: { title: full.info.title, version: full.info.version, source: '@octokit/openapi@23.0.2' },
  paths,
  components: { schemas: sorted },
}, null, 1)}\n`);
