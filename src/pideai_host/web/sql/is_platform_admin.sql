select exists (select from public.platform_admins a where a.user_id = auth.uid() and a.is_active) as is_admin
