// The examples: a policy, its tests, and a request.
import filesPolicy from '../examples/files/policy.yaml'
import filesTests from '../examples/files/policy_test.yaml'
import followerPolicy from '../examples/follower/policy.yaml'
import followerTests from '../examples/follower/policy_test.yaml'
import auth0Policy from '../examples/auth0/policy.yaml'
import auth0Tests from '../examples/auth0/policy_test.yaml'
import keycloakPolicy from '../examples/keycloak/policy.yaml'
import keycloakTests from '../examples/keycloak/policy_test.yaml'
import maskingPolicy from '../examples/masking/policy.yaml'
import maskingTests from '../examples/masking/policy_test.yaml'
import ownerPolicy from '../examples/owner/policy.yaml'
import ownerTests from '../examples/owner/policy_test.yaml'
import rolePolicy from '../examples/role/policy.yaml'
import roleTests from '../examples/role/policy_test.yaml'
import rowsPolicy from '../examples/rows/policy.yaml'
import rowsTests from '../examples/rows/policy_test.yaml'
import servicePolicy from '../examples/service/policy.yaml'
import serviceTests from '../examples/service/policy_test.yaml'
import tenantPolicy from '../examples/tenant/policy.yaml'
import tenantTests from '../examples/tenant/policy_test.yaml'
import uploadsPolicy from '../examples/uploads/policy.yaml'
import uploadsTests from '../examples/uploads/policy_test.yaml'
import {empty} from './share.js'

const user = (claims, more) => ({user: 'claims', claims: JSON.stringify(claims, null, 2), ...more})
const answer = (json, more) => ({answered: true, response: JSON.stringify(json, null, 2), ...more})

export const examples = [
  ['role', 'Role', rolePolicy, roleTests, user({id: 'ana', roles: ['editor']}, {method: 'DELETE', path: '/articles/7'})],
  ['owner', 'Owner', ownerPolicy, ownerTests, user({id: 'ana'}, {path: '/users/ana/orders'})],
  ['tenant', 'Tenant', tenantPolicy, tenantTests, user({id: 'ana', tenant: 'acme'}, {path: '/tenants/acme/invoices'})],
  ['follower', 'Follower, asked of a database', followerPolicy, followerTests, user({id: 'ana'}, {path: '/users/bob/posts', data: {'social.follows': '[{"follower": "ana", "followee": "bob"}]'}})],
  ['masking', 'Masking by role', maskingPolicy, maskingTests, user({id: 'eve', role: 'support'}, {path: '/people/7', ...answer({name: 'Ana', email: 'ana@example.com', salary: 5200})})],
  ['rows', 'Masking row by row', rowsPolicy, rowsTests, user({id: 'ana'}, {path: '/notes', ...answer({notes: [{id: 1, owner: 'ana', text: 'mine', draft: 'more'}, {id: 2, owner: 'bob', text: 'his', shared: true}, {id: 3, owner: 'bob', text: 'private', shared: false}]})})],
  ['service', 'Service to service', servicePolicy, serviceTests, {method: 'POST', path: '/v1/payments', bodyKind: 'json', body: '{"amount": 5}', peer: '{"uriSan": "spiffe://shop/orders"}'}],
  ['files', 'Folders of files', filesPolicy, filesTests, user({id: 'ana'}, {path: '/v1/api/shop/files/users/ana/photo.png'})],
  ['uploads', 'Uploads', uploadsPolicy, uploadsTests, user({id: 'ana', plan: 'free'}, {method: 'POST', path: '/uploads', headers: 'content-type: application/json', bodyKind: 'json', body: '{"name": "cat.png", "bytes": 40000}'})],
  ['keycloak', 'Keycloak', keycloakPolicy, keycloakTests, user({sub: 'ana', iss: 'https://sso.example/realms/shop', aud: 'shop-api', realm_access: {roles: ['staff']}}, {path: '/admin/orders'})],
  ['auth0', 'Auth0', auth0Policy, auth0Tests, user({sub: 'auth0|ana', iss: 'https://shop.eu.auth0.com/', aud: 'https://api.shop.example', scope: 'read:orders write:orders'}, {method: 'POST', path: '/orders', bodyKind: 'json', body: '{"item": "tea"}'})],
].map(([id, name, policy, tests, request]) => {
  const state = empty()
  state.files = {'policy.yaml': policy, 'policy_test.yaml': tests}
  Object.assign(state.request, request)
  return {id, name, state}
})
