-- The scopes of OIDC Core §5.4 and §11, and the API scope of IAM. Administrators change their claims afterwards.
INSERT INTO scopes (name) VALUES ('openid'), ('profile'), ('email'), ('address'), ('phone'), ('offline_access'), ('full_api_access');
--> statement-breakpoint
INSERT INTO scope_claims (scope, claim) VALUES
  ('profile', 'name'), ('profile', 'family_name'), ('profile', 'given_name'), ('profile', 'middle_name'), ('profile', 'nickname'),
  ('profile', 'preferred_username'), ('profile', 'profile'), ('profile', 'picture'), ('profile', 'website'), ('profile', 'gender'),
  ('profile', 'birthdate'), ('profile', 'zoneinfo'), ('profile', 'locale'), ('profile', 'updated_at'),
  ('email', 'email'), ('email', 'email_verified'),
  ('address', 'address'),
  ('phone', 'phone_number'), ('phone', 'phone_number_verified');
