export { authenticated, claimed, type Basis, type Fact } from './fact.ts'
