CREATE TABLE `administrators` (
	`user_id` text PRIMARY KEY NOT NULL,
	`role` text NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`user_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `audit_events` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`target` text NOT NULL,
	`request_id` text NOT NULL,
	`detail` text DEFAULT '{}' NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_events_at` ON `audit_events` (`at`);--> statement-breakpoint
CREATE TABLE `client_origins` (
	`client_id` text NOT NULL,
	`origin` text NOT NULL,
	PRIMARY KEY(`client_id`, `origin`),
	FOREIGN KEY (`client_id`) REFERENCES `clients`(`client_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `client_post_logout_uris` (
	`client_id` text NOT NULL,
	`uri` text NOT NULL,
	PRIMARY KEY(`client_id`, `uri`),
	FOREIGN KEY (`client_id`) REFERENCES `clients`(`client_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `client_redirect_uris` (
	`client_id` text NOT NULL,
	`uri` text NOT NULL,
	PRIMARY KEY(`client_id`, `uri`),
	FOREIGN KEY (`client_id`) REFERENCES `clients`(`client_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `client_scopes` (
	`client_id` text NOT NULL,
	`scope` text NOT NULL,
	PRIMARY KEY(`client_id`, `scope`),
	FOREIGN KEY (`client_id`) REFERENCES `clients`(`client_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `client_secrets` (
	`client_id` text NOT NULL,
	`hash` text NOT NULL,
	`label` text NOT NULL,
	`expires_at` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`client_id`, `hash`),
	FOREIGN KEY (`client_id`) REFERENCES `clients`(`client_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `clients` (
	`client_id` text PRIMARY KEY NOT NULL,
	`client_name` text NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`token_endpoint_auth_method` text,
	`token_endpoint_auth_signing_alg` text,
	`jwks` text,
	`jwks_uri` text,
	`grant_types` text NOT NULL,
	`api_access` integer DEFAULT false NOT NULL,
	`offline_access` integer DEFAULT false NOT NULL,
	`require_pkce` integer DEFAULT true NOT NULL,
	`require_consent` integer DEFAULT false NOT NULL,
	`linked_user_id` text,
	`id_token_signed_response_alg` text,
	`access_token_lifetime` integer,
	`id_token_lifetime` integer,
	`code_lifetime` integer,
	`refresh_token_sliding_lifetime` integer,
	`refresh_token_absolute_lifetime` integer,
	`refresh_token_rotation` integer DEFAULT true NOT NULL,
	`refresh_token_grace` integer,
	`client_uri` text,
	`logo_uri` text,
	`policy_uri` text,
	`tos_uri` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`linked_user_id`) REFERENCES `users`(`user_id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE INDEX `clients_linked_user` ON `clients` (`linked_user_id`);--> statement-breakpoint
CREATE TABLE `config_changes` (
	`epoch` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`kind` text NOT NULL,
	`record` text,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `deleted_subjects` (
	`sub` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`subject_ref` text NOT NULL,
	`deleted_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `resources` (
	`identifier` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scopes` text NOT NULL,
	`introspection_client_id` text,
	FOREIGN KEY (`introspection_client_id`) REFERENCES `clients`(`client_id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE TABLE `scope_claims` (
	`scope` text NOT NULL,
	`claim` text NOT NULL,
	`destination` text DEFAULT 'userinfo' NOT NULL,
	PRIMARY KEY(`scope`, `claim`, `destination`),
	FOREIGN KEY (`scope`) REFERENCES `scopes`(`name`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `scopes` (
	`name` text PRIMARY KEY NOT NULL,
	`title` text,
	`description` text,
	`enabled` integer DEFAULT true NOT NULL,
	`published` integer DEFAULT true NOT NULL
);
--> statement-breakpoint
CREATE TABLE `settings` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `signing_keys` (
	`kid` text PRIMARY KEY NOT NULL,
	`alg` text NOT NULL,
	`state` text NOT NULL,
	`version` text NOT NULL,
	`vault` text NOT NULL,
	`public_jwk` text NOT NULL,
	`certificate` text NOT NULL,
	`wrapped_private_key` text,
	`created_at` integer NOT NULL,
	`activates_at` integer NOT NULL,
	`retired_at` integer,
	`gone_at` integer
);
--> statement-breakpoint
CREATE TABLE `tenants` (
	`tenant_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `user_group_members` (
	`user_id` text NOT NULL,
	`group_id` text NOT NULL,
	PRIMARY KEY(`user_id`, `group_id`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`user_id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`group_id`) REFERENCES `user_groups`(`group_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `user_group_members_group` ON `user_group_members` (`group_id`);--> statement-breakpoint
CREATE TABLE `user_groups` (
	`group_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`tenant_id` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`tenant_id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `users` (
	`user_id` text PRIMARY KEY NOT NULL,
	`login_name` text NOT NULL,
	`sub` text NOT NULL,
	`subject_ref` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`tenant_id` text,
	`name` text,
	`given_name` text,
	`family_name` text,
	`email` text,
	`email_verified` integer DEFAULT false NOT NULL,
	`gender` text,
	`locale` text,
	`zoneinfo` text,
	`enabled` integer DEFAULT true NOT NULL,
	`service_account` integer DEFAULT false NOT NULL,
	`password_hash` text,
	`not_before` integer DEFAULT 0 NOT NULL,
	`claims` text DEFAULT '{}' NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`tenant_id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_login_name_unique` ON `users` (`login_name`);--> statement-breakpoint
CREATE UNIQUE INDEX `users_sub_unique` ON `users` (`sub`);--> statement-breakpoint
CREATE UNIQUE INDEX `users_subject_ref_unique` ON `users` (`subject_ref`);--> statement-breakpoint
CREATE INDEX `users_email` ON `users` (`email`);--> statement-breakpoint
CREATE INDEX `users_tenant` ON `users` (`tenant_id`);